"""What happens while a policy trains: quantisation's start, evaluation, the best model, checkpoints, stopping."""
from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback

from quarl.host.environments.seeds import episode_seeds
from quarl.host.errors import UserError
from quarl.host.files import write_json
from quarl.models.actors.bits import Bits
from quarl.models.play.act import act_in_torch
from quarl.models.play.rollouts import Player
from quarl.models.ptq.quantise import SAMPLES, activation_limits
from quarl.models.runs import checkpoint
from quarl.models.runs.checkpoint import History, Snapshot
from quarl.models.runs.run_folder import environment_of
from quarl.models.sb3.policies import convert
from quarl.models.tasks.normalise import FoldedVecNormalize
from quarl.models.tasks.spaces import action_space
from quarl.models.tasks.vec_env import task_actions
from quarl.models.training import remarks
from quarl.models.training.progress import Progress

CONFIRM = 4       # a reached target is confirmed over this many times as many further episodes


class Supervisor(BaseCallback):
    """Evaluates every ``eval_every`` steps, checkpoints, keeps the best, and stops at a confirmed target return.

    An evaluation plays ``eval_episodes`` fresh episodes with deterministic actions. Reaching ``target_return`` adds
    :data:`CONFIRM` times as many; training stops if the mean over all of them still reaches it. A policy that is not
    quantised yet becomes so after ``delay`` steps, and after ``norm_steps``, if the settings have it, the normaliser
    stays as it is. Raises :class:`UserError` when a loss is not finite any more.
    """

    def __init__(self, description: dict[str, Any], bits: Bits | None, normaliser: FoldedVecNormalize,
                 history: History, folder: Path, progress: Progress):
        super().__init__()
        self.algo, self.seed, self.settings = description["algo"], description["seed"], description["settings"]
        self.bits, self.delay = bits, description["delay"]
        self.normaliser, self.history, self.folder, self.progress = normaliser, history, folder, progress
        self.player = Player(environment_of(description), self.settings["eval_episodes"])
        self.solved = False
        self.seen = np.empty(0)

    def _on_training_start(self) -> None:
        self.started = time.monotonic() - self.history.seconds
        for line in remarks.rounded_up(self.settings):
            self.progress.tell(line)
        self.next_evaluation, self.next_checkpoint = self._next("eval_every"), self._next("checkpoint_every")

    def _next(self, period: str) -> int:
        every: int = self.settings[period]
        return (self.num_timesteps // every + 1) * every

    @property
    def _waiting(self) -> Bits | None:
        """The bits of a policy that is still to be quantised."""
        return self.bits if self.model.policy.bits is None else None

    def _on_rollout_start(self) -> None:
        self.progress.step(self.num_timesteps)
        self._check_losses()
        if (bits := self._waiting) and self.num_timesteps >= self.delay:
            convert(self.model, bits, activation_limits(self.model.policy.deployed, self._samples()))
        if self.num_timesteps >= self.settings.get("norm_steps", math.inf):
            self.normaliser.training = False
        if self.num_timesteps >= self.next_evaluation:
            self.next_evaluation = self._next("eval_every")
            self._evaluate()
        if self.num_timesteps >= self.next_checkpoint:
            self.next_checkpoint = self._next("checkpoint_every")
            checkpoint.save(self.folder / "checkpoint", self.model, self.normaliser, self.history)
            checkpoint.seed_afresh(self.model, self.seed)
            checkpoint.begin_episodes(self.model)

    def _on_rollout_end(self) -> None:
        if self._waiting and hasattr(self.model, "rollout_buffer"):
            seen = self.model.rollout_buffer.observations
            self.seen = seen.reshape(-1, *seen.shape[2:])[:SAMPLES]

    def _samples(self) -> torch.Tensor:
        """Normalised observations, float32 [N, n], of late."""
        buffer = getattr(self.model, "replay_buffer", None)
        if buffer is None:
            return torch.as_tensor(self.seen, dtype=torch.float32, device=self.model.device)
        return buffer.sample(SAMPLES, env=self.normaliser).observations

    def _on_step(self) -> bool:
        return not self.solved

    def _on_training_end(self) -> None:
        self._check_losses()
        if not self.solved:
            self._evaluate()
        self.logger.dump(self.num_timesteps)          # else the table would end before the training does
        self.player.close()
        if self.solved:
            self.progress.tell(remarks.reached(self.settings, self.history.evaluations[-1]))
        for line in remarks.constants(self.normaliser):
            self.progress.tell(line)

    def _check_losses(self) -> None:
        for name, value in self.logger.name_to_value.items():
            if name.startswith("train/") and "loss" in name and not np.isfinite(value):
                raise self.lost(f"{name} = {value}")

    def lost(self, found: str) -> UserError:
        """The error that tells a training which ended in numbers that are not finite."""
        kept = self.folder / "checkpoint"
        return UserError("training must keep its losses and parameters finite",
                         f"{found} at step {self.num_timesteps}",
                         "lower the learning rate, --set learning_rate=…, with another --out; "
                         + (f"the last good checkpoint stays in {kept}" if kept.exists()
                            else "no checkpoint had been due before"))

    def _evaluate(self) -> None:
        act = act_in_torch(self.model.policy.deployed, self.normaliser, self.algo,
                           action_space(task_actions(self.normaliser)))
        count, target = self.settings["eval_episodes"], self.settings["target_return"]
        seeds = episode_seeds(f"training {self.num_timesteps}", self.seed, count * (1 + CONFIRM))
        returns = [*self.player.play(act, seeds[:count])]
        if target is not None and not self._waiting and sum(returns) >= target * len(returns):
            returns += [*self.player.play(act, seeds[count:])]
            self.solved = sum(returns) >= target * len(returns)
        self._record(returns)

    def _record(self, returns: list[float]) -> None:
        history = self.history
        history.seconds = time.monotonic() - self.started
        evaluation = {"timesteps": self.num_timesteps, "mean_return": float(np.mean(returns)),
                      "std_return": float(np.std(returns)), "episodes": len(returns),
                      "seconds": round(history.seconds, 1)}
        history.add(evaluation, None if self._waiting else Snapshot.take(self.model, self.normaliser))
        write_json(self.folder / "evaluations.json", history.evaluations)
        self.logger.record("eval/mean_return", evaluation["mean_return"])
        self.progress.evaluated(evaluation)
