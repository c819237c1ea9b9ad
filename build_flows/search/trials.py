"""Measuring points as a study does: in run folders named by their content, each result kept as it comes."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from quarl.build_flows.console import say
from quarl.build_flows.study import results
from quarl.build_flows.study.executors.local import Executor, Work, all_outcomes
from quarl.build_flows.study.grid import Point
from quarl.build_flows.study.jobs import Job, perform
from quarl.build_flows.study.results import Record


class Measuring:
    """Points' results, from ``folder`` or by ``work`` in the run folders in ``runs``."""

    def __init__(self, runs: Path, folder: Path, executor: Executor, work: Work = perform):
        self.runs, self.folder, self.executor, self.work = runs.absolute(), folder.absolute(), executor, work

    def __call__(self, points: Sequence[Point]) -> list[Record]:
        """The results in order; failed points are tried again. Raises :class:`UserError` for a damaged result."""
        records = {point: results.read(self.folder, point) for point in points}
        jobs = [Job(point.training, (point,)) for point in points if not results.is_done(records[point])]
        for job in jobs:
            say(f"  {job.title} ...")
        for job, outcome in all_outcomes(self.executor, jobs, self.work, self.runs):
            point = job.points[0]
            record = records[point] = results.write(self.folder, point, outcome.measured[0])
            say(f"  {point.title}: {results.summary(record)}")
        return [record for record in map(records.get, points) if record is not None]
