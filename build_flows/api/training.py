"""``quarl.train`` and ``quarl.ptq``: policies into run folders."""
from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from quarl.build_flows.api.calls import call
from quarl.host.files import PathLike
from quarl.models.actors.bits import Bits

W4A4I8, W8A8I8 = Bits(4, 4, 8), Bits(8, 8, 8)


@dataclasses.dataclass(frozen=True)
class Trained:
    """How a training ended. Of its evaluations the best is kept, and is the policy of the folder ``run``.

    ``mean_return`` and ``std_return`` are those of the best, undiscounted, over so many ``episodes`` after
    ``timesteps`` environment steps. The training took ``trained_timesteps`` steps and ``seconds`` in all.
    ``target_return`` is where the task counts as solved, None for a task without such a number.
    """

    run: Path
    mean_return: float
    std_return: float
    episodes: int
    timesteps: int
    trained_timesteps: int
    seconds: float
    target_return: float | None
    target_reached: bool


@dataclasses.dataclass(frozen=True)
class Quantised(Trained):
    """How post-training quantisation ended: the returns of the quantised policy over fresh episodes.

    ``source_mean_return`` is the fp32 policy's on the same episodes; ``agreement`` the share, 0 to 1, of observations
    on which both act alike. ``timesteps`` and ``trained_timesteps`` are the fp32 training's.
    """

    source_mean_return: float
    agreement: float


Result = TypeVar("Result", bound=Trained)


def train(task: str, out: PathLike, *, bits: Bits | None = W4A4I8, algo: str = "ppo", steps: int | None = None,
          seed: int = 0, settings: Mapping[str, Any] | None = None, init: PathLike | None = None, delay: int = 0,
          precision: str = "fp32", device: str = "auto", resume: bool = True, verbose: bool = False,
          env_kwargs: Mapping[str, Any] | None = None, wrappers: Sequence[str | tuple[str, Mapping[str, Any]]] = (),
          max_episode_steps: int | None = None) -> Trained:
    """Train a policy for a Gymnasium ``task`` into the run folder ``out``; as `quarl train`.

    The task's observations are float32 [n], normalised as training goes, or pixels, uint8 [channels, height, width],
    of Atari; others of a fixed size are flattened. Actions are ``Discrete``, or a ``Box`` of float32 [n], as the
    algorithm allows.

    ``bits``       of weights, hidden activations and input codes, 2 to 8; None trains in fp32
    ``algo``       ppo, a2c (any actions), dqn (``Discrete``), ddpg, td3 or sac (``Box``)
    ``steps``      environment steps; None takes the preset's of the task, and ends early at its target return
    ``seed``       fixes the result, on one CPU core
    ``settings``   change the preset's, as in ``{"net_arch": [32, 32], "learning_rate": 1e-3}``
    ``init``       a finished fp32 run, whose networks and normaliser training starts from
    ``delay``      environment steps in fp32 before quantisation starts
    ``precision``  of the updates' matrix products: fp32, bf16, or fp16 on a GPU
    ``device``     auto (a GPU where there is one), cpu or cuda
    ``resume``     False discards what a training that was killed had reached
    ``verbose``    shows progress on standard error
    ``env_kwargs`` arguments of the environment
    ``wrappers``   around it, the innermost first: names of Gymnasium's, or ``module:Class``, each alone or with its
                   arguments, as in ``("TimeLimit", {"max_episode_steps": 100})``
    ``max_episode_steps`` time limit of an episode, in place of the environment's own

    What the environment is made with stays with the policy: ``play`` and ``evaluate`` make it so, too.
    Repeating a call continues a training that was killed, to the same result bit for bit, and returns the result of
    one that has finished. Raises ``UserError`` for a task, setting or width that does not exist or does not fit, for
    a folder that holds another training, and for losses that are no longer finite; ``ToolError`` for a disk that
    refuses or a package that is missing.
    """
    with call("train", verbose):
        from quarl.host.environments.description import Description
        from quarl.models.training import train as training
        around = [(each, {}) if isinstance(each, str) else each for each in wrappers]
        made = Description(task, env_kwargs or {}, around, max_episode_steps).record()
        config = training.TrainConfig(task, Path(out), algo, bits, seed, steps, precision, delay,
                                      None if init is None else Path(init), device, resume, settings or {}, made)
        return _result(Trained, config.out, training.train(config))


def ptq(source: PathLike, out: PathLike, *, bits: Bits | None = W8A8I8, method: str = "max",
        percentile: float = 99.9) -> Quantised:
    """Quantise the finished fp32 run ``source`` without more training, into the run folder ``out``; as `quarl ptq`.

    ``bits`` None makes the actor one of float16, which can be evaluated in torch but not be built. ``method`` says
    where the ranges of weights and hidden activations end: at their ``max``, or at a ``percentile`` (50 to 100) of
    their absolute values, beyond which they saturate.

    Repeating a call returns the result that is there. Raises ``UserError`` for a source that is not a finished fp32
    run, for a method or percentile that does not exist, and for a folder that holds another run; ``ToolError`` for a
    disk that refuses or a package that is missing.
    """
    with call("ptq"):
        from quarl.models.ptq import quantise
        config = quantise.PtqConfig(Path(source), Path(out), bits, method, percentile)
        return _result(Quantised, config.out, quantise.ptq(config))


def _result(kind: type[Result], run: Path, found: Mapping[str, Any]) -> Result:
    return kind(run=run, **{field.name: found[field.name] for field in dataclasses.fields(kind) if field.name != "run"})
