"""The gymnasium tasks that a policy can be trained on."""
from __future__ import annotations

from typing import Any

import gymnasium as gym
from gymnasium import spaces

from host import environment
from host.errors import UserError
from host.policy import ActionSpace


def make_env(task: str) -> gym.Env[Any, Any]:
    """The environment ``task``, which must have one-dimensional Box observations and Discrete or Box actions.

    Raises :class:`UserError` for an unknown name, a missing package or an unsupported space.
    """
    env = environment.make(task)
    if not isinstance(env.observation_space, spaces.Box) or len(env.observation_space.shape) != 1:
        raise UserError("the task's observations must be a one-dimensional Box", env.observation_space,
                        "choose another --task")
    action_space(env.action_space)
    return env


def action_space(space: spaces.Space) -> ActionSpace:
    """The package's description of a gymnasium action space. Raises :class:`UserError` for an unsupported one."""
    if isinstance(space, spaces.Discrete):
        return ActionSpace("discrete", int(space.n))
    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        return ActionSpace("box", low=tuple(map(float, space.low)), high=tuple(map(float, space.high)))
    raise UserError("the task's actions must be Discrete or a one-dimensional Box", space, "choose another --task")
