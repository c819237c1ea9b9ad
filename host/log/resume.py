"""Taking up a run that was cut off: its whole episodes stay, what was played of others is played again."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

from quarl.host.errors import UserError
from quarl.host.files import write_bytes
from quarl.host.log import run_log
from quarl.host.log.meter import PARTS, Times

Played = List[Tuple[Dict[str, Any], Times]]
_AFRESH = "repeat the options of that run, or leave --resume out to play afresh"


def take_up(path: Path, run: Dict[str, Any]) -> Tuple[Played, Optional[Dict[str, Any]]]:
    """The whole episodes of the log ``path``, in the order in which they ended, and the summary of a finished run.

    The log of a run that did not finish is cut down to these episodes. ``run`` is the opening record that it must
    have. A log that is not there, or has no opening record, holds no episodes. Raises :class:`UserError` for the log
    of another run and for a file that is no log.
    """
    if not path.exists():
        return [], None
    try:
        played, summary = _read(path, run)
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError("a log to resume must be one that `quarl run` wrote", "%s in %s" % (error, path),
                        "leave --resume out to play afresh") from error
    if summary is None:
        _cut(path, {record["episode"] for record, _ in played})
    return played, summary


def _read(path: Path, run: Dict[str, Any]) -> Tuple[Played, Optional[Dict[str, Any]]]:
    steps: Dict[int, Times] = {}
    played: Played = []
    for record in run_log.records(path):
        kind = record["type"]
        del record["type"]
        if kind == "run":
            _check_same(record, run)
        elif kind == "step":
            spent = [record["ns"][name] for name in PARTS if name in record["ns"]]
            steps.setdefault(record["episode"], Times()).add(spent, record["cycles"], record.get("late_ns"))
        elif kind == "episode":
            played.append((record, steps.pop(record["episode"])))
        elif kind == "summary":
            return played, record
    return played, None


def _check_same(found: Dict[str, Any], run: Dict[str, Any]) -> None:
    for name, value in run.items():
        if found.get(name) != value:
            raise UserError("a run is resumed as it was begun, with %s %s" % (name, found.get(name)), value, _AFRESH)


def _cut(path: Path, whole: Set[int]) -> None:
    """Keep the opening record and all that belongs to the ``whole`` episodes; each part is replaced at once.

    Without any there is nothing to keep.
    """
    if not whole:
        for part in reversed(run_log.parts(path)):
            part.unlink()
        return
    for part in run_log.parts(path):
        lines = part.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if line.endswith(b"\n") and _belongs(json.loads(line), whole)]
        if kept != lines:
            write_bytes(part, b"".join(kept))


def _belongs(record: Dict[str, Any], whole: Set[int]) -> bool:
    return record["type"] == "run" or record.get("episode") in whole
