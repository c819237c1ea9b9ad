"""Gymnasium tasks."""
from __future__ import annotations

from typing import Any

import gymnasium as gym
from gymnasium import spaces

from host.errors import UserError


def make_env(task: str) -> gym.Env[Any, Any]:
    """The environment ``task``, for one-dimensional Box observations and Discrete or Box actions.

    Raises :class:`UserError` for an unknown name, a missing package or an unsupported space.
    """
    try:
        env = gym.make(task, disable_env_checker=True)
    except (gym.error.Error, ImportError) as error:
        raise UserError("the task must be an installed gymnasium environment", f"{task} ({error})",
                        "choose another --task, or install the package that it names") from error
    observed, action = env.observation_space, env.action_space
    if not isinstance(observed, spaces.Box) or len(observed.shape) != 1:
        raise UserError("the task's observations must be a one-dimensional Box", observed, "choose another --task")
    if not isinstance(action, spaces.Discrete) and not (isinstance(action, spaces.Box) and len(action.shape) == 1):
        raise UserError("the task's actions must be Discrete or a one-dimensional Box", action,
                        "choose another --task")
    return env
