"""An environment whose faults are told as its own, that takes observations of any kind of sequence, and that ends."""
from __future__ import annotations

import functools
from typing import Any, Dict, NoReturn, Optional, Tuple

import numpy as np

from quarl.host.environments.faults import fault
from quarl.host.errors import ToolError, UserError

LIMIT = 50_000       # steps of an episode in an environment without a time limit; Atari's longest games have 27,000


@functools.lru_cache(maxsize=None)
def _wrapper_class() -> Any:
    """The wrapper; a function, because the board imports gymnasium only to play."""
    import gymnasium

    class Guarded(gymnasium.Wrapper):  # type: ignore[misc, type-arg, unused-ignore]
        """Around all other wrappers: observations are arrays as the space declares them, rewards floats."""

        def __init__(self, env: Any, task: str, limit: int):
            super().__init__(env)
            space = env.observation_space
            self._task, self._limit, self._taken = task, limit, 0
            self._shape, self._type = space.shape, space.dtype

        def reset(self, *, seed: Optional[int] = None, options: Any = None) -> Tuple[Any, Dict[str, Any]]:
            self._taken = 0
            try:
                found = self.env.reset(seed=seed, options=options)
            except Exception as error:
                self._failed("begin an episode", error)
            if not isinstance(found, tuple) or len(found) != 2 or not isinstance(found[1], dict):
                raise _returned("reset of %s" % self._task, "an observation and a dict", found)
            return self._array(found[0]), found[1]

        def step(self, action: Any) -> Tuple[Any, float, bool, bool, Dict[str, Any]]:
            try:
                found = self.env.step(action)
            except Exception as error:
                self._failed("take step %d of an episode" % (self._taken + 1), error)
            if type(found) is not tuple or len(found) != 5 or not isinstance(found[4], dict):
                raise _returned("step of %s" % self._task,
                                "an observation, a reward, terminated, truncated and a dict", found)
            observation, reward, terminated, truncated, info = found
            self._taken += 1
            if self._taken >= self._limit and not (terminated or truncated):
                raise UserError("an episode must end within %d steps" % self._limit,
                                "%s, which goes on without end" % self._task,
                                "give it a time limit, as in --max-episode-steps 1000")
            if type(observation) is not np.ndarray or observation.dtype != self._type \
                    or observation.shape != self._shape:
                observation = self._array(observation)
            return observation, reward if type(reward) is float else self._number(reward), terminated, truncated, info

        def render(self) -> Any:
            try:
                return self.env.render()
            except gymnasium.error.DependencyNotInstalled:
                raise
            except Exception as error:
                self._failed("draw itself", error)

        def _failed(self, doing: str, error: Exception) -> NoReturn:
            if isinstance(error, (UserError, ToolError)):
                raise error
            raise fault("the environment %s must %s without an error" % (self._task, doing), error) from error

        def _number(self, reward: Any) -> float:
            try:
                return float(reward)
            except (TypeError, ValueError) as error:
                raise UserError("a reward of %s must be a number" % self._task, repr(reward)[:80],
                                "mend the environment") from error

        def _array(self, observation: Any) -> np.ndarray:
            """``observation`` as an array of the space's shape and type. Raises :class:`UserError`."""
            try:
                found = np.asarray(observation)
                if found.dtype.kind not in "biuf":
                    raise TypeError("not numbers, but %s" % found.dtype)
                with np.errstate(over="ignore", invalid="ignore"):       # what float32 cannot hold is infinite
                    array = found.astype(self._type)
            except (TypeError, ValueError) as error:
                raise UserError("an observation of %s must be numbers of the shape %s" % (self._task, self._shape),
                                "%s: %s" % (type(observation).__name__, error), "mend the environment") from error
            if array.shape != self._shape:
                raise UserError("an observation of %s must have the shape that its space declares, %s"
                                % (self._task, self._shape), "shape %s" % (array.shape,), "mend the environment")
            if array.dtype.kind in "iub" and not np.array_equal(array, found):
                raise UserError("an observation of %s must be of the type that its space declares, %s"
                                % (self._task, array.dtype), "%s, as %s" % (found.ravel()[:4], found.dtype),
                                "declare a Box of float32")
            return array

    return Guarded


def _returned(what: str, rule: str, found: Any) -> UserError:
    inside = ", ".join(type(each).__name__ for each in found) if isinstance(found, tuple) else type(found).__name__
    return UserError("%s must return %s" % (what, rule), "(%s)" % inside if isinstance(found, tuple) else inside,
                     "mend the environment: it is to be one of Gymnasium, not of the older gym")


def guarded(env: Any, task: str, own_limit: Optional[int]) -> Any:
    """``env`` in the wrapper, which is the outermost. ``own_limit`` is the environment's own time limit, in steps."""
    return _wrapper_class()(env, task, max(LIMIT, (own_limit or 0) + 1))
