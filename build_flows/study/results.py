"""A study's results: one JSON a point, kept with the repository.

``points/NAME.json`` decides whether a point is done; run folders may be gone. docs/studies.md says what is in it.
"""
from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any

from quarl.build_flows.study.grid import Point
from quarl.host.errors import UserError
from quarl.host.files import write_json

Record = dict[str, Any]
_HARDWARE = ("latency_cycles", "interval_cycles", "synthesis", "estimate")


def path_of(folder: Path, point: Point) -> Path:
    """Where the result of ``point`` is kept."""
    return folder / "points" / (point.name + ".json")


def read(folder: Path, point: Point) -> Record | None:
    """The kept result of ``point``, perhaps a failure, or None. Raises :class:`UserError` for a damaged file."""
    path = path_of(folder, point)
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error
    try:
        record = json.loads(text)
        whole = isinstance(record["error"], str) if "error" in record else _is_whole(record, point)
        if not (whole and record["point"] == point.describe()):
            raise ValueError("keys or values that are not this point's")
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    return record if "error" in record or _is_enough(record, point) else None


def _is_enough(record: Record, point: Point) -> bool:
    """Whether a whole result has all that is asked for today."""
    energy = not (point.engine and point.energy) or "energy_nj" in record["hardware"]
    return energy and record["evaluation"]["episodes"] == point.episodes


def _is_whole(record: Record, point: Point) -> bool:
    evaluation = record["evaluation"]
    if point.engine and not ({*_HARDWARE} <= set(record["hardware"]) and "lut" in record["hardware"]["synthesis"]):
        return False
    return (len(evaluation["returns"]) == evaluation["episodes"] >= 1
            and all(math.isfinite(value) for value in evaluation["returns"])
            and {"trained_timesteps", "seconds"} <= set(record["training"]) and "parity" in record)


def _damaged(path: Path, found: str) -> UserError:
    return UserError("a result of a study must be whole", f"{found} in {path}",
                     "restore it, or delete it: its point will be run again and the others stay")


def write(folder: Path, point: Point, record: Record) -> Record:
    """Keep the result of ``point`` and return it whole."""
    record = {"name": point.name, "point": point.describe(), **record}
    write_json(path_of(folder, point), record)
    return record


def is_done(record: Record | None) -> bool:
    """Whether the point needs no more work."""
    return record is not None and "error" not in record


def summary(record: Record) -> str:
    """In a few words: the return, or what went wrong."""
    if "error" in record:
        return "failed: " + record["error"]
    returns, hardware = record["evaluation"]["returns"], record.get("hardware")
    design = f", {hardware['synthesis']['lut']:g} LUT, {hardware['latency_cycles']} cycles" if hardware else ""
    return f"return {statistics.fmean(returns):.1f} ± {statistics.pstdev(returns):.1f}{design}"
