"""The episodes of a run as a CSV table, one row each, for a spreadsheet."""
from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Dict, Optional, TextIO

from quarl.host.files import PathLike, explained
from quarl.host.log.observer import Observer


class EpisodeTable(Observer):
    """Writes ``path``, each row at once; an earlier table gives way at the first. Raises ``ToolError``."""

    def __init__(self, path: PathLike):
        self.path = Path(path)
        self._file: Optional[TextIO] = None

    def ended(self, record: Dict[str, Any]) -> None:
        with explained(self.path):
            first = self._file is None
            if self._file is None:
                self._file = open(str(self.path), "w", newline="", encoding="ascii")  # noqa: SIM115
            rows = csv.DictWriter(self._file, list(record), lineterminator="\n")
            if first:
                rows.writeheader()
            rows.writerow(record)
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            with explained(self.path):
                self._file.close()
