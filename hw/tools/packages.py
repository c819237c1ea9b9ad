"""Installed Python packages, held to the versions that pyproject.toml asks for. Nothing is imported."""
from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement

from quarl.host import versions
from quarl.host.errors import ToolError

_OURS = "quarl-fpga"
version = cache(versions.version)      # it takes some ms, and there are many


def requirements(extra: str = "") -> list[Requirement]:
    """What our distribution needs, or what its ``extra`` adds. Empty where we are not installed."""
    return [each for each in _told() if (each.marker.evaluate({"extra": extra}) if each.marker else not extra)]


def requirement(name: str) -> Requirement:
    """What our distribution, or any extra of it, asks of a package; any version of one that it does not name."""
    return next((each for each in _told() if each.name == name), Requirement(name))


@cache
def _told() -> list[Requirement]:
    try:
        lines = importlib.metadata.requires(_OURS) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [each for each in map(Requirement, lines) if each.name != _OURS]


def package_places(module: str) -> tuple[Path, ...]:
    """The folders of an installed module; none where it is not installed."""
    spec = importlib.util.find_spec(module)
    return tuple(map(Path, (spec.submodule_search_locations or ()) if spec else ()))


def check(wanted: Iterable[Requirement]) -> None:
    """Raise :class:`ToolError` that names every package which is missing or of another version, with the fix."""
    bad = [each for each in wanted
           if version(each.name) == versions.NONE or not each.specifier.contains(version(each.name), prereleases=True)]
    if bad:
        raise ToolError("these Python packages must be installed: " + ", ".join(map(_text, bad)),
                        ", ".join(f"{each.name} {version(each.name)}" for each in bad),
                        "pip install " + " ".join(f"'{_text(each)}'" for each in bad))


def _text(requirement: Requirement) -> str:
    """Name, extras and versions: what pip takes, without a marker."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"
