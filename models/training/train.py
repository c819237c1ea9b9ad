"""Training a policy into a run folder."""
from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from stable_baselines3.common.utils import get_device

from quarl.host.environments.description import Description
from quarl.host.environments.observations import tell_of_flattening
from quarl.host.errors import UserError
from quarl.host.files import explained, recover, write_json
from quarl.models.actors.bits import HIGHEST, Bits
from quarl.models.process_state import process_state_kept
from quarl.models.ptq import analysis
from quarl.models.ptq.quantise import SAMPLES, activation_limits
from quarl.models.runs import checkpoint, run_folder
from quarl.models.runs.checkpoint import History
from quarl.models.sb3 import algorithms
from quarl.models.sb3 import mixed_precision as precision
from quarl.models.sb3.policies import convert
from quarl.models.tasks.normalise import FoldedVecNormalize
from quarl.models.tasks.presets import check_algorithm, preset
from quarl.models.tasks.spaces import is_pixels, make_env
from quarl.models.tasks.vec_env import MonitoredVecEnv
from quarl.models.training.progress import Progress, ProgressTable
from quarl.models.training.supervisor import Supervisor


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """What to train. ``bits`` None trains in fp32; ``steps`` None takes the preset's; ``settings`` change the preset.

    ``delay`` steps are trained in fp32 before quantisation starts (QuaRL's quantisation delay); ``init`` is the folder
    of an fp32 run whose networks and normaliser training starts from. ``device`` is ``auto``, ``cpu`` or ``cuda``.
    ``environment`` is what the task is made with, as ``Description.record`` has it: kwargs, wrappers, time limit.
    Repeating a configuration continues a run that was killed, unless ``resume`` is False, and returns the result of
    one that has finished.
    """

    task: str
    out: Path
    algo: str = "ppo"
    bits: Bits | None = None
    seed: int = 0
    steps: int | None = None
    precision: str = "fp32"
    delay: int = 0
    init: Path | None = None
    device: str = "auto"
    resume: bool = True
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    environment: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UserError("the seed must be 0 or more", self.seed, "choose another --seed")
        if self.steps is not None and self.steps < 1:
            raise UserError("the number of steps must be 1 or more", self.steps, "choose another --steps")
        if self.delay < 0:
            raise UserError("the steps before quantisation must be 0 or more", self.delay, "choose another --delay")
        if self.delay and self.bits is None:
            raise UserError("only a quantised run can delay its quantisation", "--delay and --fp32", "leave out one")
        precision.check(self.precision, get_device(self.device))

    def describe(self) -> dict[str, Any]:
        """What ``config.yaml`` holds: everything that decides the outcome. Raises :class:`UserError`."""
        changes = dict(self.settings)
        if self.steps is not None:
            changes["total_steps"] = self.steps
        settings = preset(self.algo, self.task, changes)
        if self.delay >= settings["total_steps"]:
            raise UserError("quantisation must start before training ends, after %d steps" % settings["total_steps"],
                            self.delay, "choose a smaller --delay or more --steps")
        made = Description.of(self.task, self.environment).record()
        return {"task": self.task, **({"environment": made} if made else {}), "algo": self.algo, "seed": self.seed,
                "bits": None if self.bits is None else self.bits.describe(), "precision": self.precision,
                "delay": self.delay, "init": None if self.init is None else str(self.init), "settings": settings}


def train(config: TrainConfig) -> dict[str, Any]:
    """Train as ``config`` says into ``config.out`` and return ``train/result.json``'s content.

    The folder gets ``config.yaml`` and ``train/``: ``model.zip`` (the best by evaluation), ``normaliser.npz``,
    ``evaluations.json``, ``progress.csv``, ``tensorboard/``, ``checkpoint/`` and ``result.json``, the last when done.
    The seed fixes the result, on one CPU core, also of a run that was killed and continued. Raises :class:`UserError`.
    """
    check_algorithm(config.algo)
    env = make_env(Description.of(config.task, config.environment))
    env.close()
    tell_of_flattening(env, config.task)
    algorithms.check_actions(config.algo, config.task, env.action_space)
    description, folder = config.describe(), Path(config.out) / "train"
    algorithms.check_pixels(config.algo, config.task, env.observation_space, config.bits,
                            description["settings"]["net_arch"])
    if (Path(config.out) / run_folder.CONFIG).exists():
        run_folder.require_same(run_folder.read_config(config.out), description, config.out)
        finished = run_folder.read_result(config.out)
        if finished is not None:
            _analyse(config.out, env.observation_space)
            return finished
    with process_state_kept(threads=1):
        result = _run(config, description, folder)
        _analyse(config.out, env.observation_space)
    return result


def _analyse(out: Path, space: spaces.Space) -> None:
    """The analysis is of dense layers: a run on pixels has none."""
    if not is_pixels(space):
        analysis.ensure_analysis(out)


def _source(init: Path, description: dict[str, Any]) -> run_folder.Run:
    """The fp32 run that training starts from. Raises :class:`UserError` for one that does not fit."""
    source = run_folder.load_run(init)
    if source.is_fp16 or run_folder.bits_of(source.config) is not None:
        raise UserError("training must start from an fp32 run",
                        f"{run_folder.bits_of(source.config) or 'fp16'} in {init}", "train one with --fp32")
    for name in ("task", "algo", "environment"):
        if source.config.get(name) != description.get(name):
            raise UserError(f"training must start from a run of {name} {description.get(name)}",
                            f"{source.config.get(name)} in {init}",
                            "choose another --init or " + ("--" + name if name != "environment" else
                                                           "what the environment is made with"))
    asked, found = description["settings"]["net_arch"], source.config["settings"]["net_arch"]
    if found != asked:
        raise UserError(f"training must start from a run of the same architecture, net_arch {asked}",
                        f"{found} in {init}", "choose another --init, or --set net_arch=…")
    return source


def _run(config: TrainConfig, description: dict[str, Any], folder: Path) -> dict[str, Any]:
    source = None if config.init is None else _source(config.init, description)
    saved, made = folder / "checkpoint", run_folder.environment_of(description)
    venv = MonitoredVecEnv([lambda: make_env(made) for _ in range(description["settings"]["n_envs"])])
    try:
        recover(saved)
        if config.resume and saved.exists():
            model, history = checkpoint.resume(saved, description, venv, config.device)
        else:
            model, history = _new(description, venv, config.device, source), History()
        # Only now that all is known to be in order may what was trained before be deleted.
        with explained(folder):
            if not config.resume and folder.exists():
                shutil.rmtree(folder)
            (folder / "tensorboard").mkdir(parents=True, exist_ok=True)
        run_folder.write_config(Path(config.out), description)
        try:
            _learn(model, description, history, folder)
        except Exception:
            _release(config.out, history)
            raise
    finally:
        venv.close()
    return _finish(folder, history, description["settings"])


def _release(out: Path, history: History) -> None:
    """Let other settings have the folder of a training that failed before it had anything to go on from."""
    folder = Path(out) / "train"
    if not (folder / "checkpoint").exists():
        (Path(out) / run_folder.CONFIG).unlink(missing_ok=True)
        if not history.evaluations:
            shutil.rmtree(folder, ignore_errors=True)


def _learn(model: BaseAlgorithm, description: dict[str, Any], history: History, folder: Path) -> None:
    """Train ``model`` for the steps that are left, with all that happens meanwhile."""
    with checkpoint.whole(folder, "progress.csv"):
        table = ProgressTable(folder / "progress.csv", model.num_timesteps)
    model.set_logger(Logger(str(folder), [table, TensorBoardOutputFormat(str(folder / "tensorboard"))]))
    total = description["settings"]["total_steps"]
    progress = Progress(total)
    supervisor = Supervisor(description, run_folder.bits_of(description), model.get_vec_normalize_env(), history,
                            folder, progress)
    try:
        model.learn(max(total - model.num_timesteps, 0), callback=supervisor, reset_num_timesteps=False,
                    log_interval=4)
    except UserError:
        raise
    except ValueError as error:         # torch's distributions refuse a mean that is not a number
        if all(bool(p.isfinite().all()) for p in model.policy.parameters()):
            raise
        raise supervisor.lost("parameters that are not") from error
    finally:
        progress.close()
        model.logger.close()


def _new(description: dict[str, Any], venv: MonitoredVecEnv, device: str,
         source: run_folder.Run | None) -> BaseAlgorithm:
    settings, bits = description["settings"], run_folder.bits_of(description)
    normalised = FoldedVecNormalize(venv, HIGHEST if bits is None else bits.input, settings["norm_reward"],
                                    settings["gamma"])
    starts_fp32 = source is not None or description["delay"]
    model = algorithms.create(description["algo"], settings, normalised, None if starts_fp32 else bits,
                              description["seed"], device, description["precision"])
    if source is not None:
        model.policy.load_state_dict(source.model.policy.state_dict())
        normalised.ret_rms = source.normaliser.ret_rms
        if normalised.norm_obs:
            normalised.obs_rms = source.normaliser.obs_rms
        if bits is not None and not description["delay"]:
            seen = source.normaliser.normalize_obs(analysis.rollout_observations(source, SAMPLES))
            convert(model, bits, activation_limits(source.actor, torch.from_numpy(seen)))
    return model


def _finish(folder: Path, history: History, settings: dict[str, Any]) -> dict[str, Any]:
    target, best = settings["target_return"], history.best_evaluation
    if history.best is not None:
        history.best.write(folder)
    result = {**best, "seconds": history.evaluations[-1]["seconds"],
              "trained_timesteps": history.evaluations[-1]["timesteps"], "target_return": target,
              "target_reached": target is not None and best["mean_return"] >= target}
    write_json(folder / "result.json", result)
    return result
