"""Training a policy into a run folder."""
from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import DummyVecEnv

from host.errors import UserError
from host.files import explained, write_json
from models import runs
from models.bits import HIGHEST, Bits
from models.callbacks import History, Supervisor
from models.normalise import FoldedVecNormalize
from models.ppo_policy import QuantActorCriticPolicy
from models.presets import preset, schedule
from models.progress import Progress, ProgressTable
from models.tasks import make_env

_NOT_PPO = {"net_arch", "n_envs", "total_steps", "eval_episodes", "eval_every", "target_return"}
_ADAM = {"eps": 1e-5, "fused": True}      # Stable-Baselines3's epsilon; one kernel for all parameters


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """What to train. ``bits`` None trains in fp32; ``steps`` None takes the preset's.

    Repeating a configuration continues a run that was killed, unless ``resume`` is False, and returns the result of
    one that has finished.
    """

    task: str
    out: Path
    algo: str = "ppo"
    bits: Bits | None = None
    seed: int = 0
    steps: int | None = None
    resume: bool = True

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UserError("the seed must be 0 or more", self.seed, "choose another --seed")
        if self.steps is not None and self.steps < 1:
            raise UserError("the number of steps must be 1 or more", self.steps, "choose another --steps")

    def describe(self) -> dict[str, Any]:
        """What ``config.yaml`` holds: everything that decides the outcome. Raises :class:`UserError`."""
        settings = preset(self.algo, self.task)
        if self.steps is not None:
            settings["total_steps"] = self.steps
        return {"task": self.task, "algo": self.algo, "seed": self.seed,
                "bits": None if self.bits is None else dataclasses.asdict(self.bits), "settings": settings}


def train(config: TrainConfig) -> dict[str, Any]:
    """Train as ``config`` says into ``config.out`` and return ``train/result.json``'s content.

    The folder gets ``config.yaml`` and ``train/``: ``model.zip`` (the best by evaluation), ``vecnormalize.pkl``,
    ``evaluations.json``, ``progress.csv``, ``tensorboard/``, ``checkpoint/`` and ``result.json``, the last when done.
    Runs on one CPU core; the seed fixes the result. Raises :class:`UserError`.
    """
    description, folder = config.describe(), Path(config.out) / "train"
    make_env(config.task).close()
    if (Path(config.out) / runs.CONFIG).exists():
        _require_same(runs.read_config(config.out), description, config.out)
        finished = runs.read_result(config.out)
        if finished is not None:
            return finished
    if not config.resume:
        shutil.rmtree(folder, ignore_errors=True)
    runs.write_config(Path(config.out), description)
    return _run(description, folder)


def _require_same(found: dict[str, Any], asked: dict[str, Any], out: Path) -> None:
    for key, value in asked.items():
        if found.get(key) != value:
            raise UserError(f"a run folder keeps its settings; {key} must be {found.get(key)} in {out}", value,
                            "choose another --out, or delete the folder")


def _run(description: dict[str, Any], folder: Path) -> dict[str, Any]:
    torch.set_num_threads(1)
    settings, checkpoint = description["settings"], folder / "checkpoint"
    task, seed, total = description["task"], description["seed"], settings["total_steps"]
    venv = DummyVecEnv([lambda: Monitor(make_env(task)) for _ in range(settings["n_envs"])])
    if checkpoint.exists():
        model, history = _resume(description, checkpoint, venv), History.read(checkpoint)
    else:
        model, history = _new(description, venv), History()
    with explained(folder):
        (folder / "tensorboard").mkdir(parents=True, exist_ok=True)
    model.set_logger(Logger(str(folder), [ProgressTable(folder / "progress.csv", model.num_timesteps),
                                          TensorBoardOutputFormat(str(folder / "tensorboard"))]))
    progress = Progress(total)
    supervisor = Supervisor(task, seed, settings, model.get_vec_normalize_env(), history, folder, progress)
    try:
        model.learn(max(total - model.num_timesteps, 0), callback=supervisor, reset_num_timesteps=False,
                    log_interval=4)
    finally:
        progress.close()
        model.logger.close()
        venv.close()
    return _finish(folder, history, settings)


def _new(description: dict[str, Any], venv: DummyVecEnv) -> BaseAlgorithm:
    settings, bits = description["settings"], runs.bits_of(description)
    normalised = FoldedVecNormalize(venv, HIGHEST if bits is None else bits.input)
    arguments = {key: value for key, value in settings.items() if key not in _NOT_PPO}
    for key in ("learning_rate", "clip_range"):
        arguments[key] = schedule(arguments[key])
    return runs.ALGORITHMS[description["algo"]](
        QuantActorCriticPolicy, normalised, seed=description["seed"], device="cpu",
        policy_kwargs={"bits": bits, "net_arch": settings["net_arch"], "optimizer_kwargs": _ADAM}, **arguments)


def _resume(description: dict[str, Any], checkpoint: Path, venv: DummyVecEnv) -> BaseAlgorithm:
    normalised = FoldedVecNormalize.load(str(checkpoint / runs.NORMALISER), venv)
    model = runs.ALGORITHMS[description["algo"]].load(checkpoint / runs.MODEL, env=normalised, device="cpu")
    seed = description["seed"] + model.num_timesteps      # not the numbers that the run began with
    set_random_seed(seed)
    normalised.seed(seed)
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
