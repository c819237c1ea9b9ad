"""One episode under way: its environment, what was seen last, and what it has come to so far."""
from __future__ import annotations

import math
from typing import Any, Dict, Optional, Tuple

import numpy as np

from quarl.host.errors import UserError
from quarl.host.log.meter import Times
from quarl.host.loop.shadow import Shadow
from quarl.host.loop.video import Film


class Episode:
    """Episode ``index`` of a run, begun in ``env`` with ``seed``."""

    def __init__(self, index: int, env: Any, seed: int, shadow: Optional[Shadow], film: Optional[Film]):
        self.index, self.env, self.seed, self.shadow, self.film = index, env, seed, shadow, film
        self.observation, _ = env.reset(seed=seed)
        self.steps, self.total, self.times = 0, 0.0, Times()
        if film is not None:
            film.shoot()

    def act(self, action: Any) -> Tuple[float, bool]:
        """Take ``action``: the reward, and whether the episode has ended. Raises :class:`UserError`."""
        self.observation, reward, terminated, truncated, _ = self.env.step(action)
        reward = float(reward)
        if not math.isfinite(reward):
            raise UserError("a reward must be finite", "%r in step %d of episode %d" % (reward, self.steps, self.index),
                            "check the environment")
        self.total, self.steps = self.total + reward, self.steps + 1
        return reward, terminated or truncated

    def record(self, wall: float) -> Dict[str, Any]:
        """What the log and its table say of the whole episode, ``wall`` seconds after the run's start."""
        columns = self.times.microseconds()
        found = {"episode": self.index, "seed": self.seed, "length": self.steps, "return": self.total, "wall_s": wall,
                 "policy_us": float(np.median(columns["policy"])), "device_us": float(np.median(columns["device"]))}
        if self.times.late:
            found["misses"] = self.times.misses
        if self.shadow is not None:
            found.update(shadow_checked=self.shadow.checked, shadow_mismatches=self.shadow.mismatches)
        return found
