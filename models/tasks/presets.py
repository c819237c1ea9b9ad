"""Training settings per algorithm and task, from ``presets/ALGO.yaml``."""
from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from quarl.host.errors import UserError
from quarl.models.tasks import settings_schema

_FOLDER = Path(__file__).parent / "presets"
_ATARI = "ALE/*", "*NoFrameskip-v*"


def algorithms() -> list[str]:
    """The algorithms that have presets."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def check_algorithm(algo: str) -> None:
    """Raise :class:`UserError` for an algorithm that does not exist."""
    if algo not in algorithms():
        raise UserError("the algorithm must be one of " + ", ".join(algorithms()), algo, "choose one with --algo")


def _load(algo: str) -> dict[str, Any]:
    import yaml
    check_algorithm(algo)
    return dict(yaml.safe_load((_FOLDER / f"{algo}.yaml").read_text()))


def tasks(algo: str) -> list[str]:
    """The tasks that ``algo`` has settings for."""
    return sorted(_load(algo)["tasks"])


def preset(algo: str, task: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Settings of ``algo`` on ``task``: its defaults, those of pixels for an Atari game, the task's, ``changes``.

    A task without settings of its own has the defaults, and needs ``total_steps`` among the changes. Raises
    :class:`UserError` for an unknown algorithm, a key that the algorithm has no use for, no ``total_steps``, or a value
    that ``settings_schema.py`` does not allow.
    """
    loaded, changes = _load(algo), dict(changes or {})
    known = settings_schema.settings_of(algo)
    for key in changes:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1, 0.6)
            raise UserError(f"a setting of {algo} must be one of " + ", ".join(sorted(known)), key,
                            f"write {near[0]}" if near else "choose one of them")
    atari = any(fnmatch.fnmatch(task, pattern) for pattern in _ATARI)
    pixels = loaded.get("pixels", {}) if atari else {}
    usual = {**loaded["defaults"], **pixels, **loaded["tasks"].get(task, {})}
    settings = {**usual, **changes}
    if settings.get("total_steps") is None:
        raise UserError(f"the task must be one that {algo} has a preset for: " + ", ".join(sorted(loaded["tasks"]))
                        + "; or its training must be described", task,
                        (hint(algo, task) or "") + "give --steps, and other settings as --set KEY=VALUE")
    return settings_schema.check(algo, settings, usual)


def hint(algo: str, task: str) -> str | None:
    """What is probably wrong where ``algo`` has no preset for ``task``: the name, or the algorithm; ends in ``, or ``.
    """
    others = [each for each in algorithms() if task in tasks(each)]
    if others:
        return f"choose --algo {' or '.join(others)}, or "
    near = [name for name in tasks(algo) if name.lower() == task.lower()]
    near = near or difflib.get_close_matches(task, tasks(algo), 1, 0.8)
    return f"did you mean {near[0]}, or " if near else None


def schedule(value: float | str) -> float | Callable[[float], float]:
    """A constant, or for ``lin_X`` a line from X at the start of training to 0 at its end."""
    from stable_baselines3.common.utils import LinearSchedule
    if not isinstance(value, str):
        return value
    return LinearSchedule(float(value.removeprefix("lin_")), 0.0, 1.0)
