"""The spaces of a task as arrays, so that a run is loaded without its environment, which may need a simulator."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from quarl.models.tasks.vec_env import counted_from_0, task_actions

_BOX, _DISCRETE = "%s_box", "%s_discrete"


def to_arrays(venv: VecEnv) -> dict[str, np.ndarray]:
    """The observation and the action space of the task that ``venv`` plays.

    Each is a Box, [2, ...]: low and high, or Discrete: n, start.
    """
    found = {}
    for name, space in (("observations", venv.observation_space), ("actions", task_actions(venv))):
        if isinstance(space, spaces.Discrete):
            found[_DISCRETE % name] = np.array([space.n, space.start], np.int64)
        else:
            found[_BOX % name] = np.stack([space.low, space.high])
    return found


def stand_in(arrays: Mapping[str, np.ndarray], envs: int) -> VecEnv:
    """As many environments with the spaces that :func:`to_arrays` made ``arrays`` of; they cannot be played."""
    observations, actions = _space("observations", arrays), _space("actions", arrays)
    venv = DummyVecEnv([lambda: _Spaces(observations, actions) for _ in range(envs)])
    venv.action_space = counted_from_0(actions)
    return venv


def _space(name: str, arrays: Mapping[str, np.ndarray]) -> spaces.Space[Any]:
    if _DISCRETE % name in arrays:
        n, start = map(int, arrays[_DISCRETE % name])
        return spaces.Discrete(n, start=start)
    low, high = arrays[_BOX % name]
    return spaces.Box(low, high, dtype=low.dtype.type)


class _Spaces(gym.Env[Any, Any]):
    def __init__(self, observations: spaces.Space[Any], actions: spaces.Space[Any]):
        self.observation_space, self.action_space = observations, actions
