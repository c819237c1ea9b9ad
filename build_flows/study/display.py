"""What a person sees while a study runs: a bar on a terminal, one plain line a point in any case."""
from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from build_flows.console import say
from build_flows.study.points import Job
from build_flows.study.results import Record, summary

_MEASURING = 5000         # what measuring a point takes, in environment steps of training: for the time left only


class Display:
    """Counts jobs that end. ``steps`` are those that each job has yet to train, ``workers`` how many run at a time."""

    def __init__(self, jobs: Sequence[Job], steps: Sequence[int], workers: int):
        self.costs = {job: each + _MEASURING * len(job.points) for job, each in zip(jobs, steps, strict=True)}
        self.waiting, self.workers = list(jobs), workers
        self.total, self.done = sum(len(job.points) for job in jobs), 0
        self.whole, self.spent, self.start = sum(self.costs.values()), 0, time.monotonic()
        self.bar: Any = None
        if sys.stdout.isatty():
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
            self.bar = Progress(TextColumn("{task.fields[points]}"), BarColumn(), TimeElapsedColumn(),
                                TextColumn("{task.fields[left]}"), TextColumn("{task.description}"))
            self.task = self.bar.add_task(total=self.whole, **self._fields())
            self.bar.start()

    def ended(self, job: Job, records: Sequence[Record]) -> None:
        """A job has ended with ``records``, one a point."""
        self.waiting.remove(job)
        self.spent += self.costs[job]
        for point, record in zip(job.points, records, strict=True):
            self.done += 1
            line = f"[{self.done}/{self.total}] {point.title}: {summary(record)}"
            if self.bar is not None:
                self.bar.console.print(line, markup=False, highlight=False)
            else:
                say(line)
        if self.bar is not None:
            self.bar.update(self.task, completed=self.spent, **self._fields())
        elif self.waiting:
            say(f"{self._left()}; at work on {self._running()}")

    def close(self) -> None:
        """Leave the terminal tidy."""
        if self.bar is not None:
            self.bar.stop()

    def _fields(self) -> dict[str, str]:
        return {"points": f"{self.done}/{self.total} points", "left": self._left(), "description": self._running()}

    def _running(self) -> str:
        """Workers take jobs in order, so those that run are the first that have not ended."""
        return ", ".join(job.training.title for job in self.waiting[:self.workers])

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
