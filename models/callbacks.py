"""What happens while a policy trains: evaluation, the best model, checkpoints, stopping."""
from __future__ import annotations

import dataclasses
import io
import json
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from host.files import staged_folder, write_bytes, write_json
from models.deployed import act_in_torch
from models.normalise import FoldedVecNormalize
from models.progress import Progress
from models.rollouts import Player, episode_seeds
from models.runs import MODEL, NORMALISER
from models.tasks import action_space

CONFIRM = 4       # a reached target is confirmed over this many times as many further episodes


@dataclasses.dataclass
class Snapshot:
    """A model and the normaliser of the same moment, as the bytes of their files."""

    model: bytes
    normaliser: bytes

    @classmethod
    def take(cls, model: BaseAlgorithm, normaliser: FoldedVecNormalize) -> Snapshot:
        """Of a live model."""
        buffer = io.BytesIO()
        model.save(buffer)
        return cls(buffer.getvalue(), pickle.dumps(normaliser))

    @classmethod
    def read(cls, folder: Path) -> Snapshot:
        """From a folder that :meth:`write` filled."""
        return cls((folder / MODEL).read_bytes(), (folder / NORMALISER).read_bytes())

    def write(self, folder: Path) -> None:
        """Each file is whole or absent."""
        write_bytes(folder / MODEL, self.model)
        write_bytes(folder / NORMALISER, self.normaliser)


@dataclasses.dataclass
class History:
    """Evaluations so far, the best snapshot, and the seconds spent."""

    evaluations: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    best: Snapshot | None = None
    best_evaluation: dict[str, Any] = dataclasses.field(default_factory=lambda: {"mean_return": float("-inf")})
    seconds: float = 0.0

    @classmethod
    def read(cls, checkpoint: Path) -> History:
        """From a checkpoint folder."""
        state = json.loads((checkpoint / "history.json").read_text())
        return cls(best=Snapshot.read(checkpoint / "best"), **state)

    def write(self, checkpoint: Path, latest: Snapshot) -> None:
        """A checkpoint that appears whole: the latest snapshot, the best one, and the evaluations."""
        with staged_folder(checkpoint) as stage:
            latest.write(stage)
            (self.best or latest).write(stage / "best")
            write_json(stage / "history.json", {"evaluations": self.evaluations, "seconds": self.seconds,
                                                "best_evaluation": self.best_evaluation})


class Supervisor(BaseCallback):
    """Evaluates every ``eval_every`` steps, checkpoints, keeps the best, and stops at a confirmed target return.

    An evaluation plays ``eval_episodes`` fresh episodes with deterministic actions. Reaching ``target_return`` adds
    :data:`CONFIRM` times as many; training stops if the mean over all of them still reaches it.
    """

    def __init__(self, task: str, seed: int, settings: dict[str, Any], normaliser: FoldedVecNormalize,
                 history: History, folder: Path, progress: Progress):
        super().__init__()
        self.seed, self.settings, self.normaliser = seed, settings, normaliser
        self.history, self.folder, self.progress = history, folder, progress
        self.player = Player(task, settings["eval_episodes"])
        self.solved = False

    def _on_training_start(self) -> None:
        self.started = time.monotonic() - self.history.seconds
        self.next = self.num_timesteps + self.settings["eval_every"]

    def _on_rollout_start(self) -> None:
        self.progress.step(self.num_timesteps)
        if self.num_timesteps >= self.next:
            self.next += self.settings["eval_every"]
            self._evaluate()

    def _on_step(self) -> bool:
        return not self.solved

    def _on_training_end(self) -> None:
        if not self.solved:
            self._evaluate()
        self.player.close()

    def _evaluate(self) -> None:
        act = act_in_torch(self.model.policy.actor, self.normaliser, action_space(self.model.action_space))
        count, target = self.settings["eval_episodes"], self.settings["target_return"]
        seeds = episode_seeds(f"training {self.num_timesteps}", self.seed, count * (1 + CONFIRM))
        returns = [*self.player.play(act, seeds[:count])]
        if target is not None and sum(returns) >= target * len(returns):
            returns += [*self.player.play(act, seeds[count:])]
            self.solved = sum(returns) >= target * len(returns)
        self._record(returns)

    def _record(self, returns: list[float]) -> None:
        history = self.history
        history.seconds = time.monotonic() - self.started
        evaluation = {"timesteps": self.num_timesteps, "mean_return": float(np.mean(returns)),
                      "std_return": float(np.std(returns)), "episodes": len(returns),
                      "seconds": round(history.seconds, 1)}
        history.evaluations.append(evaluation)
        latest = Snapshot.take(self.model, self.normaliser)
        if evaluation["mean_return"] >= history.best_evaluation["mean_return"]:
            history.best, history.best_evaluation = latest, evaluation
        history.write(self.folder / "checkpoint", latest)
        write_json(self.folder / "evaluations.json", history.evaluations)
        self.logger.record("eval/mean_return", evaluation["mean_return"])
        self.progress.evaluated(evaluation)
