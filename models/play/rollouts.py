"""Playing whole episodes with a deterministic policy, many environments in step."""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from quarl.host.environments.description import Description
from quarl.models.tasks.rewards import finite
from quarl.models.tasks.spaces import make_env

Act = Callable[[np.ndarray], np.ndarray]


class Player:
    """Plays episodes of ``task``, up to ``width`` at a time, so that the policy sees batches."""

    def __init__(self, task: Description, width: int):
        self.envs = [make_env(task) for _ in range(width)]

    def play(self, act: Act, seeds: Sequence[int]) -> np.ndarray:
        """Undiscounted returns float64 [len(seeds)] of one episode per seed.

        ``act`` maps raw observations [N, n] to actions, one per row. Raises :class:`UserError` for a reward that is not
        finite.
        """
        returns = np.zeros(len(seeds))
        for start in range(0, len(seeds), len(self.envs)):
            part = seeds[start:start + len(self.envs)]
            returns[start:start + len(part)] = self._play_together(act, part)
        return returns

    def _play_together(self, act: Act, seeds: Sequence[int]) -> np.ndarray:
        returns, running, step = np.zeros(len(seeds)), list(range(len(seeds))), 0
        observations = {i: self.envs[i].reset(seed=int(seed))[0] for i, seed in enumerate(seeds)}
        while running:
            actions = act(np.stack([observations[i] for i in running]))
            for i, action in zip(list(running), actions, strict=True):
                observations[i], reward, terminated, truncated, _ = self.envs[i].step(action)
                returns[i] += finite(reward, step)
                if terminated or truncated:
                    running.remove(i)
            step += 1
        return returns

    def close(self) -> None:
        """Close the environments."""
        for env in self.envs:
            env.close()
