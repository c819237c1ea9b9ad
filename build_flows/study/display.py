"""What a person sees while a study runs: a table of what is at work and a bar on a terminal, else plain lines."""
from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from quarl.build_flows.console import say, width
from quarl.build_flows.study.grid import Point
from quarl.build_flows.study.jobs import Job
from quarl.build_flows.study.results import Record, summary

# What measuring and building a point take, in environment steps of training: for the time left only.
_MEASURING, _BUILDING = 5000, 100_000
_BAR, _BESIDE, _LEAST = 40, 40, 5       # columns of the bar, and of what stands beside it; the fewest of the bar


class Display:
    """Counts points that end. ``steps`` are those that a job has yet to train, ``workers`` how many run at a time."""

    def __init__(self, jobs: Sequence[Job], steps: Mapping[Job, int], workers: int):
        self.workers, self.waiting = workers, list[Job]()
        self.steps = {job.training: steps[job] for job in jobs}
        self.total, self.done = sum(len(job.points) + len(job.designs) for job in jobs), 0
        self.whole = sum(self._cost(job) + _BUILDING * len(job.designs) for job in jobs)
        self.spent, self.start = 0, time.monotonic()
        self.begun: dict[Job, float] = {}
        self.live: Any = None
        if sys.stdout.isatty() and jobs:
            from rich.console import Console
            from rich.live import Live
            self.live = Live(get_renderable=self._screen, console=Console(file=sys.stdout), refresh_per_second=2)
            self.live.start()

    def begin(self, jobs: Sequence[Job]) -> None:
        """The workers take up ``jobs``, in order."""
        self.waiting = list(jobs)
        self._note_begun()

    def ended(self, job: Job, records: Mapping[Point, Record]) -> None:
        """A job has ended with ``records``."""
        self.waiting.remove(job)
        self._note_begun()
        self.spent += self._cost(job)
        for point, record in records.items():
            self.done += 1
            self._tell(f"[{self.done}/{self.total}] {point.title}: {summary(record)}")
        if self.live is None and self.waiting:
            say(f"{self._left()}; at work on {', '.join(each.title for each in self._running())}")

    def close(self) -> None:
        """Leave the terminal tidy."""
        if self.live is not None:
            self.live.stop()

    def _tell(self, line: str) -> None:
        if self.live is not None:
            self.live.console.print(line, markup=False, highlight=False)
        else:
            say(line)

    def _cost(self, job: Job) -> int:
        if job.design:
            return _BUILDING
        return self.steps[job.training] + _MEASURING * len(job.points)

    def _running(self) -> list[Job]:
        """Workers take jobs in order, so those that run are the first that have not ended."""
        return self.waiting[:self.workers]

    def _note_begun(self) -> None:
        self.begun = {job: self.begun.get(job, time.monotonic()) for job in self._running()}

    def _screen(self) -> Any:
        """The table and the bar."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        grid = Table("at work", "for", box=None)
        for job, since in list(self.begun.items()):
            grid.add_row(job.title, duration(time.monotonic() - since))
        columns = max(min(_BAR, width() - _BESIDE), _LEAST)
        bar = Table.grid(padding=(0, 1))
        bar.add_row(f"{self.done}/{self.total} points", ProgressBar(max(self.whole, 1), self.spent, width=columns),
                    duration(time.monotonic() - self.start), self._left())
        return Group(grid, bar)

    def _left(self) -> str:
        if not self.spent:
            return "time left unknown"
        return "about %s left" % duration((time.monotonic() - self.start) * (self.whole - self.spent) / self.spent)


def duration(seconds: float) -> str:
    """``2 h 05 min``, ``3 min`` or ``20 s``."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return "%d h %02d min" % divmod(minutes, 60)
    return f"{minutes} min" if seconds >= 60 else f"{seconds:.0f} s"
