"""The run log: one JSON object a line, whole lines only, flushed at the end of every episode."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, TextIO, Type

from host.files import PathLike, explained


class RunLog:
    """Write records to ``path``; every line has a ``type``: run, step, episode or summary.

    The file of an earlier run gives way at the first record, not before: a run that never starts destroys nothing.
    What an interrupted run had flushed stays readable. Raises ``ToolError`` where the disk refuses.
    """

    def __init__(self, path: PathLike):
        self.path = Path(path)
        self._file: Optional[TextIO] = None

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Any, traceback: Any) -> None:
        if self._file is not None:
            with explained(self.path):
                self._file.close()

    def write(self, kind: str, **fields: Any) -> None:
        """Add one record."""
        with explained(self.path):
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = open(str(self.path), "w", encoding="utf-8")  # noqa: SIM115
            self._file.write(json.dumps(dict(type=kind, **fields), allow_nan=False) + "\n")
            if kind != "step":
                self._file.flush()


def records(path: PathLike) -> Iterator[Dict[str, Any]]:
    """The records of a log, in order; a last line that was cut off is left out."""
    with open(str(path), encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)
