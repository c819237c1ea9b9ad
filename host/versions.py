"""Versions of installed packages, without importing them."""
from __future__ import annotations

from typing import Dict, Iterable

NONE = "none"      # the version of a package that is missing


def version(package: str) -> str:
    """Of an installed package, as pip calls it; :data:`NONE` for one that is missing."""
    from importlib import metadata
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return NONE


def versions(packages: Iterable[str]) -> Dict[str, str]:
    """The :func:`version` of each, by name."""
    return {package: version(package) for package in packages}
