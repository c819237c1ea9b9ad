"""What a person sees while a policy trains, and the table of training figures."""
from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import KVWriter, filter_excluded_keys

from quarl.host.console import shows
from quarl.host.files import write_bytes


class ProgressTable(KVWriter):
    """Stable-Baselines3 log writer: a CSV with sorted columns that a resumed run continues.

    Rows beyond ``start`` steps, left by a run that was killed after its last checkpoint, are dropped.
    """

    def __init__(self, path: Path, start: int):
        self.path = path
        self.rows: list[dict[str, Any]] = []
        if start and path.exists():
            rows = csv.DictReader(io.StringIO(path.read_text()))
            self.rows = [row for row in rows if int(row["timesteps"]) <= start]

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Add a row, or to the last one where it is of the same step, and rewrite the file."""
        if not self.rows or int(self.rows[-1]["timesteps"]) != step:
            self.rows.append({"timesteps": step})
        self.rows[-1].update(filter_excluded_keys(key_values, key_excluded, "csv"))
        columns = sorted({key for row in self.rows for key in row} - {"timesteps"})
        text = io.StringIO()
        table = csv.DictWriter(text, ["timesteps", *columns], lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows)
        write_bytes(self.path, text.getvalue().encode())

    def close(self) -> None:
        """Nothing is held open."""


class Progress:
    """A bar on a terminal, one plain line per evaluation otherwise; both on stderr, where the call is not quiet."""

    def __init__(self, total: int):
        self.total, self.shown = total, 0
        self.bar: Any = None
        if shows() and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
            self.bar = Progress(TextColumn("training"), BarColumn(), TextColumn("{task.completed}/{task.total} steps"),
                                TextColumn("{task.fields[note]}"), TimeRemainingColumn(),
                                console=Console(stderr=True))
            self.task = self.bar.add_task("training", total=total, note="")
            self.bar.start()

    def step(self, steps: int) -> None:
        """Training has taken ``steps`` environment steps."""
        if self.bar is not None and steps - self.shown >= self.total / 500:
            self.shown = steps
            self.bar.update(self.task, completed=steps)

    def evaluated(self, evaluation: dict[str, Any]) -> None:
        """Show an evaluation, as in ``evaluations.json``."""
        note = "return {mean_return:.1f} ± {std_return:.1f}, {episodes} episodes".format(**evaluation)
        if self.bar is not None:
            self.shown = evaluation["timesteps"]
            self.bar.update(self.task, note=note, completed=self.shown)
        elif shows():
            print(f"{evaluation['timesteps']}/{self.total} steps: {note}, {evaluation['seconds']:.0f} s",
                  file=sys.stderr, flush=True)

    def tell(self, line: str) -> None:
        """Show ``line``, above the bar where there is one."""
        if self.bar is not None:
            self.bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        elif shows():
            print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the terminal tidy."""
        if self.bar is not None:
            self.bar.stop()
