"""Every setting of a training: its type, its bounds and what it means. One table, for all that gives settings."""
from __future__ import annotations

import dataclasses
import json
import numbers
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from quarl.host.errors import UserError
from quarl.models.tasks.architecture import architecture

_ON_POLICY, _OFF_POLICY = ("ppo", "a2c"), ("dqn", "ddpg", "td3", "sac")
_ALL = _ON_POLICY + _OFF_POLICY
_LARGEST = sys.float_info.max


@dataclasses.dataclass(frozen=True)
class Setting:
    """A setting of ``algos``.

    ``kind`` is ``whole`` or ``number``, from ``low`` to ``high``, each None where there is no bound, or ``switch``
    (true or false), or ``net_arch``. ``beyond`` leaves out ``low`` itself. ``words`` are values of any kind; after the
    ``prefix`` comes a number above 0, as in ``lin_0.001``.
    """

    name: str
    kind: str
    meaning: str
    low: float | None = None
    high: float | None = None
    algos: tuple[str, ...] = _ALL
    beyond: bool = False
    words: tuple[Any, ...] = ()
    prefix: str = ""

    @property
    def values(self) -> str:
        """The values that it may have, in words."""
        if self.kind == "net_arch":
            return "the sizes of the hidden layers"
        named = {"whole": "a whole number", "number": "a number", "switch": "true or false"}[self.kind]
        if self.high is not None:
            named += f" {'above' if self.beyond else 'from'} {self.low:g} {'up ' * self.beyond}to {self.high:g}"
        elif self.low is not None:
            named += f" above {self.low:g}" if self.beyond else f" of {self.low:g} or more"
        also = [_written(word) for word in self.words] + ([f"{self.prefix}X"] if self.prefix else [])
        return ", or ".join([named, *also])

    def checked(self, algo: str, value: Any, example: Any) -> Any:
        """``value`` as ``config.yaml`` holds it. Raises :class:`UserError`, whose fix names the ``example``."""
        fix = "see `quarl train --help-settings`"
        if example is not None:
            fix = f"write for example --set {shlex.quote(f'{self.name}={_written(example)}')}, or " + fix
        if self.kind == "net_arch":
            return architecture(algo, value, fix)
        if any(type(value) is type(word) and value == word for word in self.words):
            return value
        if self.kind == "switch" and isinstance(value, bool):
            return value
        if self.kind != "switch" and self._fits(found := _number(value)):
            return found
        if self.prefix and isinstance(value, str) and value.startswith(self.prefix) \
                and _above_zero(_number(value[len(self.prefix):])):
            return value
        raise UserError(f"the setting {self.name} must be {self.values}", _written(value), fix)

    def _fits(self, found: Any) -> bool:
        """Whether ``found`` is a number of the kind, within the bounds."""
        if not isinstance(found, int if self.kind == "whole" else (int, float)) or not -_LARGEST <= found <= _LARGEST:
            return False
        above = self.low is None or found > self.low or (found == self.low and not self.beyond)
        return above and (self.high is None or found <= self.high)


def _number(value: Any) -> Any:
    """``value`` as Python's own number, where it is one, or the text of one: YAML takes 1e-3 for text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _above_zero(found: Any) -> bool:
    return isinstance(found, (int, float)) and 0 < found <= _LARGEST


def _written(value: Any) -> str:
    """``value`` as in YAML, or as Python has it where that cannot."""
    try:
        return value if isinstance(value, str) and value else json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return repr(value)


SETTINGS = (
    Setting("total_steps", "whole", "environment steps of the training, as --steps", 1),
    Setting("net_arch", "net_arch", "[64, 64], or {pi: [64, 64], qf: [256, 256]} of actor and critics (vf with ppo and "
            "a2c), or of pixels {conv: [[channels, kernel, stride], …], dense: [128]}"),
    Setting("n_envs", "whole", "environments that are stepped together", 1, 2 ** 16),
    Setting("gamma", "number", "discount of later rewards", 0, 1),
    Setting("learning_rate", "number", "step of the optimiser; lin_X falls from X to 0 over the training", 0,
            prefix="lin_"),
    Setting("norm_reward", "switch", "divide rewards by the spread of returns; sign: only their sign", words=("sign",)),
    Setting("eval_every", "whole", "steps between evaluations", 1),
    Setting("eval_episodes", "whole", "episodes of an evaluation", 1),
    Setting("checkpoint_every", "whole", "steps between checkpoints", 1),
    Setting("target_return", "number", "mean return that ends the training once it is confirmed; null: none",
            words=(None,)),
    Setting("n_steps", "whole", "steps of every environment between updates", 1, algos=_ON_POLICY),
    Setting("gae_lambda", "number", "bias against variance of advantages", 0, 1, algos=_ON_POLICY),
    Setting("ent_coef", "number", "weight of the policy's entropy in the loss", 0, algos=_ON_POLICY),
    Setting("vf_coef", "number", "weight of the critic in the loss", 0, algos=_ON_POLICY),
    Setting("max_grad_norm", "number", "longest gradient; a longer one is shortened", 0, beyond=True,
            algos=(*_ON_POLICY, "dqn")),
    Setting("use_rms_prop", "switch", "RMSprop in the place of Adam", algos=("a2c",)),
    Setting("batch_size", "whole", "samples of a gradient step; advantages are normalised over them", 2,
            algos=("ppo",)),
    Setting("batch_size", "whole", "samples of a gradient step", 1, algos=_OFF_POLICY),
    Setting("n_epochs", "whole", "passes over the samples of an update", 1, algos=("ppo",)),
    Setting("clip_range", "number", "farthest that an update may move the actions' probabilities; lin_X as above", 0,
            beyond=True, prefix="lin_", algos=("ppo",)),
    Setting("normalize_advantage", "switch", "normalise advantages", algos=("ppo",)),
    Setting("ortho_init", "switch", "orthogonal initial weights", algos=("ppo",)),
    Setting("buffer_size", "whole", "steps that are kept to learn from", 1, algos=_OFF_POLICY),
    Setting("learning_starts", "whole", "steps of random actions before learning", 0, algos=_OFF_POLICY),
    Setting("train_freq", "whole", "steps of every environment between updates", 1, algos=_OFF_POLICY),
    Setting("gradient_steps", "whole", "gradient steps of an update; -1: as many as steps were taken", 1,
            words=(-1,), algos=_OFF_POLICY),
    Setting("tau", "number", "share of the target network that an update renews", 0, 1, algos=_OFF_POLICY),
    Setting("target_update_interval", "whole", "steps between updates of the target network", 1, algos=("dqn",)),
    Setting("exploration_fraction", "number", "share of the training in which random actions get fewer", 0, 1,
            algos=("dqn",)),
    Setting("exploration_final_eps", "number", "share of random actions afterwards", 0, 1, algos=("dqn",)),
    Setting("norm_steps", "whole", "first steps, from which alone observations are normalised", 0, algos=("dqn",)),
    Setting("noise", "number", "spread of the noise on actions, as a share of half their range", 0,
            algos=("ddpg", "td3")),
    Setting("policy_delay", "whole", "updates of the critics for one of the actor", 1, algos=("td3",)),
    Setting("ent_coef", "number", "weight of the entropy; auto learns it, auto_X from X on", 0, words=("auto",),
            prefix="auto_", algos=("sac",)),
)


def settings_of(algo: str) -> dict[str, Setting]:
    """The settings of an algorithm by name."""
    return {setting.name: setting for setting in SETTINGS if algo in setting.algos}


def check(algo: str, settings: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """``settings`` of ``algo``, each as ``config.yaml`` holds it; ``usual`` ones are named as examples.

    Raises :class:`UserError` for a value out of its bounds, or for settings that do not go together.
    """
    known = settings_of(algo)
    found = {name: known[name].checked(algo, value, usual.get(name)) for name, value in settings.items()}
    if algo == "ppo" and found.get("normalize_advantage", True) and found["n_steps"] * found["n_envs"] < 2:
        raise UserError("ppo normalises advantages, and needs n_steps x n_envs of 2 or more", "1 x 1",
                        f"write for example --set n_steps={usual['n_steps']}")
    return found
