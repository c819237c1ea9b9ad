"""Training settings per algorithm and task, from ``presets/ALGO.yaml``."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from host.errors import UserError

_FOLDER = Path(__file__).parent / "presets"


def algorithms() -> list[str]:
    """The algorithms that have presets."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def _load(algo: str) -> dict[str, Any]:
    import yaml
    if algo not in algorithms():
        raise UserError("the algorithm must be one of " + ", ".join(algorithms()), algo, "choose one with --algo")
    return dict(yaml.safe_load((_FOLDER / f"{algo}.yaml").read_text()))


def tasks(algo: str) -> list[str]:
    """The tasks that ``algo`` has settings for."""
    return sorted(_load(algo)["tasks"])


def preset(algo: str, task: str) -> dict[str, Any]:
    """Settings of ``algo`` on ``task``. Raises :class:`UserError` that lists the known algorithms or tasks."""
    loaded = _load(algo)
    if task not in loaded["tasks"]:
        raise UserError(f"the task must be one that {algo} has a preset for: " + ", ".join(sorted(loaded["tasks"])),
                        task, f"choose one with --task, or add it to models/presets/{algo}.yaml")
    return {**loaded["defaults"], **loaded["tasks"][task]}


def schedule(value: float | str) -> float | Callable[[float], float]:
    """A constant, or for ``lin_X`` a line from X at the start of training to 0 at its end."""
    from stable_baselines3.common.utils import LinearSchedule
    if not isinstance(value, str):
        return value
    return LinearSchedule(float(value.removeprefix("lin_")), 0.0, 1.0)
