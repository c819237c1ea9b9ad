"""The gymnasium tasks that a policy can be trained on."""
from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from quarl.host.environments import environment
from quarl.host.environments.description import Description
from quarl.host.environments.observations import is_pixels as is_pixels
from quarl.host.environments.observations import is_vector
from quarl.host.errors import UserError
from quarl.host.policy import ActionSpace


def make_env(task: str | Description) -> gym.Env[Any, Any]:
    """The environment ``task``: observations a one-dimensional Box or pixels, actions Discrete or a Box.

    Raises :class:`UserError` for an unknown name, a missing package or an unsupported space.
    """
    env = environment.make(task)
    space = env.observation_space
    if not is_pixels(space) and not is_vector(space):
        raise UserError("the task's observations must be numbers in at most two dimensions, or pixels: a Box of uint8, "
                        "0 to 255, [channels, height, width]", space, "choose another --task, or bring them into shape "
                        "with a --wrapper, for example FlattenObservation")
    if space.shape == (0,):
        raise UserError("the task's observations must have at least one number", space, "choose another --task")
    action_space(env.action_space)
    return env


def action_space(space: spaces.Space) -> ActionSpace:
    """The package's description of a gymnasium action space. Raises :class:`UserError` for an unsupported one."""
    if isinstance(space, spaces.Discrete):
        return ActionSpace("discrete", int(space.n), start=int(space.start))
    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        _check_box(space)
        return ActionSpace("box", low=tuple(map(float, space.low)), high=tuple(map(float, space.high)))
    raise UserError("the task's actions must be Discrete or a one-dimensional Box", space, "choose another --task")


def _check_box(space: spaces.Box) -> None:
    """Raise :class:`UserError` for a Box of actions that no policy can be trained for."""
    if not np.issubdtype(space.dtype, np.floating):
        raise UserError("a Box of actions must be of float32: a policy's outputs are no whole numbers", space,
                        "make the task's actions Discrete, or a Box of float32 that the environment rounds")
    with np.errstate(over="ignore", invalid="ignore"):         # bounds are float32 in the policy package
        low, high = space.low.astype(np.float32), space.high.astype(np.float32)
        spread = high - low
    wrong = np.flatnonzero(~(np.isfinite(spread) & (spread > 0)))
    if len(wrong):
        index = int(wrong[0])
        finite = "give it finite bounds" if not np.isfinite(spread[index]) else "give it a range, or leave it out"
        raise UserError("each dimension of a Box of actions must have finite bounds, low < high, in float32",
                        f"low {space.low[index]:g}, high {space.high[index]:g} in dimension {index}",
                        f"{finite}, in the task's action space")
