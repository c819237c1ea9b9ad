"""Gymnasium environments by id, with errors that say what to do."""
from __future__ import annotations

import difflib
from typing import Any

from host.errors import UserError
from host.policy import Policy


def make(task: str) -> Any:
    """``gymnasium.make(task)``. Raises :class:`UserError` for an unknown id or a missing simulator package."""
    import gymnasium
    try:
        return gymnasium.make(task)
    except (gymnasium.error.Error, ImportError) as error:
        near = difflib.get_close_matches(task, list(gymnasium.registry), 3, 0.5)
        fix = "use one of %s" % ", ".join(near) if near else "list them with gymnasium.pprint_registry()"
        if isinstance(error, gymnasium.error.DependencyNotInstalled):
            fix = "install what it needs: pip install 'gymnasium[all]'"
        raise UserError("the task must be an installed Gymnasium environment", "%s (%s)" % (task, error),
                        fix) from error


def check_fits(env: Any, policy: Policy) -> None:
    """Raise :class:`UserError` where ``env`` has other spaces than the policy was trained on."""
    if tuple(env.observation_space.shape or ()) != policy.observation_shape:
        raise UserError("the environment's observations must have the policy's shape %s" % (policy.observation_shape,),
                        env.observation_space, "use the task that the policy was trained on, %s" % policy.task)
    from gymnasium import spaces
    space, action = env.action_space, policy.action
    if action.kind == "discrete":
        fits = isinstance(space, spaces.Discrete) and space.n == action.n and space.start == 0
    else:
        fits = isinstance(space, spaces.Box) and space.shape == (action.size,)
    if not fits:
        raise UserError("the environment's actions must be the policy's (%s of size %d)" % (action.kind, action.size),
                        space, "use the task that the policy was trained on, %s" % policy.task)
