"""Wrappers of environments by name: Gymnasium's own, and those of a user's module."""
from __future__ import annotations

import difflib
from typing import Any, Mapping

from quarl.host.environments.faults import fault
from quarl.host.environments.registration import load
from quarl.host.errors import UserError

_RULE = "a wrapper must be one of Gymnasium's, or module:Class"


def wrapped(env: Any, task: str, name: str, kwargs: Mapping[str, Any]) -> Any:
    """``env`` of ``task`` inside the wrapper ``name``, made with ``kwargs``.

    What is called is a subclass of ``gymnasium.Wrapper``, and nothing else that a module may hold. Raises
    :class:`UserError` for a wrapper that does not exist, or does not go around this environment.
    """
    wrapper = _class(name)
    try:
        return wrapper(env, **kwargs)
    except Exception as error:
        raise fault("the wrapper %s must go around %s" % (name, task), error) from error


def _class(name: str) -> Any:
    import gymnasium
    from gymnasium import wrappers
    module, _, kind = name.rpartition(":")
    found = getattr(load(module, "the module of the wrapper %s" % name) if module else wrappers, kind, None)
    if not (isinstance(found, type) and issubclass(found, gymnasium.Wrapper)):
        known = [each for each in dir(wrappers) if isinstance(getattr(wrappers, each), type)
                 and issubclass(getattr(wrappers, each), gymnasium.Wrapper)]
        near = difflib.get_close_matches(kind, known, 3, 0.5)
        raise UserError(_RULE, name if found is None else "%s, which is %r" % (name, found),
                        "use one of %s" % ", ".join(near) if near else
                        "take one of https://gymnasium.farama.org/api/wrappers, or name your own, module:Class")
    return found
