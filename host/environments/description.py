"""What an environment is made of: its id, arguments, wrappers and time limit. The one place that says so."""
from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from quarl.host.errors import UserError

_OF_MAKE = "id", "max_episode_steps", "render_mode", "disable_env_checker", "autoreset", "apply_api_compatibility"
_KEYS = {"kwargs", "wrappers", "max_episode_steps"}
_FIX = "give what `quarl train` takes with --env-kwargs, --wrapper and --max-episode-steps"


@dataclasses.dataclass(frozen=True)
class Description:
    """The environment ``task``, a Gymnasium id, made with ``kwargs``, inside ``wrappers``, the innermost first.

    A wrapper is the name of one of Gymnasium's own, or ``module:Class``, and its keyword arguments. An episode is cut
    off after ``max_episode_steps``, which takes the place of the environment's own time limit. All values are such as
    JSON has. Raises :class:`UserError` for others.
    """

    task: str
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    wrappers: Sequence[Tuple[str, Mapping[str, Any]]] = ()
    max_episode_steps: Optional[int] = None

    def __post_init__(self) -> None:
        steps = self.max_episode_steps
        if steps is not None and (type(steps) is not int or steps < 1):
            raise UserError("the steps of an episode must be a number of 1 or more", steps,
                            "pass --max-episode-steps 1000, or leave it out")
        object.__setattr__(self, "kwargs", _plain("the environment's arguments", self.kwargs))
        for name in _OF_MAKE:
            if name in self.kwargs:
                raise UserError("an environment's arguments must be its own, not those of gymnasium.make", name,
                                "use --max-episode-steps" if name == "max_episode_steps" else "leave it out")
        wrappers = []
        for each in self.wrappers:
            if isinstance(each, str) or len(each) != 2 or not isinstance(each[0], str):
                raise UserError("a wrapper must be its name and its arguments", each, _FIX)
            wrappers.append((each[0], _plain("arguments of the wrapper %s" % each[0], each[1])))
        object.__setattr__(self, "wrappers", tuple(wrappers))

    @classmethod
    def of(cls, task: str, record: Optional[Mapping[str, Any]] = None) -> Description:
        """The environment ``task`` with what :meth:`record` said of it. Raises :class:`UserError`."""
        record = record or {}
        if not isinstance(record, Mapping) or not set(record) <= _KEYS:
            raise UserError("an environment is described by " + ", ".join(sorted(_KEYS)), record, _FIX)
        wrappers = record.get("wrappers", [])
        if not isinstance(wrappers, (list, tuple)) or not all(
                isinstance(each, Mapping) and set(each) == {"name", "kwargs"} for each in wrappers):
            raise UserError("an environment's wrappers must be a list of name and kwargs", wrappers, _FIX)
        return cls(task, record.get("kwargs", {}), [(each["name"], each["kwargs"]) for each in wrappers],
                   record.get("max_episode_steps"))

    def record(self) -> Dict[str, Any]:
        """All but the task as config.yaml and manifest.json have it; empty for an environment as it is registered."""
        found = {"kwargs": dict(self.kwargs),
                 "wrappers": [{"name": name, "kwargs": dict(kwargs)} for name, kwargs in self.wrappers],
                 "max_episode_steps": self.max_episode_steps}
        return {key: value for key, value in found.items() if value}

    def limited(self, max_episode_steps: Optional[int]) -> Description:
        """The same with another time limit, where one is given."""
        if max_episode_steps is None:
            return self
        return dataclasses.replace(self, max_episode_steps=max_episode_steps)

    def options(self) -> List[str]:
        """The words of a command line that ask for it, but for the task."""
        words: List[str] = []
        for key, value in self.kwargs.items():
            words += ["--env-kwargs", "%s=%s" % (key, json.dumps(value))]           # JSON is YAML
        for name, kwargs in self.wrappers:
            words += ["--wrapper", "%s:%s" % (name, json.dumps(kwargs)) if kwargs else name]
        if self.max_episode_steps is not None:
            words += ["--max-episode-steps", str(self.max_episode_steps)]
        return words


def _plain(what: str, values: Any) -> Dict[str, Any]:
    """``values`` as JSON would give them back: tuples as lists. Raises :class:`UserError`."""
    if not isinstance(values, Mapping) or not all(isinstance(key, str) and key for key in values):
        raise UserError("%s must be values by name" % what, values, _FIX)
    for key, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError("%s must be finite" % what, "%s: %s" % (key, value), _FIX)
    try:
        plain: Dict[str, Any] = json.loads(json.dumps(dict(values), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UserError("%s must be numbers, texts, lists and mappings of them" % what, error, _FIX) from error
    return plain
