"""Observations as a policy reads them: a vector, or pixels. Others become a vector."""
from __future__ import annotations

from typing import Any, Optional

import numpy as np

from quarl.host.console import say


def is_pixels(space: Any) -> bool:
    """Whether ``space`` is one of images, uint8 [channels, height, width], with fewer channels than rows or columns."""
    from gymnasium import spaces
    return (isinstance(space, spaces.Box) and space.dtype == np.uint8 and len(space.shape) == 3
            and space.shape[0] < min(space.shape[1:]) and bool((space.low == 0).all() and (space.high == 255).all()))


def is_vector(space: Any) -> bool:
    """Whether ``space`` is a one-dimensional Box."""
    from gymnasium import spaces
    return isinstance(space, spaces.Box) and len(space.shape) == 1


def flattened(env: Any) -> Any:
    """``env`` with observations as one vector, by Gymnasium's ``FlattenObservation``, where they can be.

    Discrete ones become one-hot, a Dict's parts stand one behind the other by their names. Pixels stay, as do arrays
    of three dimensions and more, which are images of another kind, and what has no fixed size.
    """
    from gymnasium import spaces
    from gymnasium.wrappers import FlattenObservation
    space = env.observation_space
    if is_pixels(space) or is_vector(space) or (isinstance(space, spaces.Box) and len(space.shape) > 2):
        return env
    try:
        if not space.is_np_flattenable:
            return env
    except NotImplementedError:                # a space of the user's own
        return env
    flat = FlattenObservation(env)
    flat.flattened_from = space
    return flat


def flattened_from(env: Any) -> Optional[Any]:
    """The space that :func:`flattened` made a vector of, inside other wrappers too; None where it had not to."""
    import gymnasium
    while isinstance(env, gymnasium.Wrapper):
        if "flattened_from" in vars(env):
            return env.flattened_from
        env = env.env
    return None


def tell_of_flattening(env: Any, task: str) -> None:
    """Say in one line that the observations of ``task`` are flattened, where they are."""
    space = flattened_from(env)
    if space is not None:
        shown = " ".join(str(space).split())
        say("the observations of %s, %s, are flattened into %d numbers"
            % (task, shown if len(shown) <= 120 else shown[:119] + "…", env.observation_space.shape[0]))
