"""Counts of what a structure has, by kinds."""
from __future__ import annotations


def added(*parts: dict[str, float]) -> dict[str, float]:
    """The sums of counts."""
    return {name: sum(part.get(name, 0) for part in parts) for name in dict.fromkeys(n for part in parts for n in part)}
