"""Running a study: what is not done yet, by an executor's workers, each result kept as it comes."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from quarl.build_flows.study import results, tables
from quarl.build_flows.study.display import Display
from quarl.build_flows.study.executors.local import Executor, Work, all_outcomes
from quarl.build_flows.study.grid import Point, Study
from quarl.build_flows.study.jobs import Job, Outcome, jobs_of, pending_steps, perform
from quarl.build_flows.study.lock import alone_in
from quarl.build_flows.study.results import Record

_AHEAD = 4          # trainings per worker before the designs of what is trained get their turn


def kept(study: Study, folder: Path) -> dict[str, Record]:
    """All kept results of the study, by the points' names. Raises :class:`UserError` for a damaged one."""
    found = {point.name: results.read(folder, point) for point in study.points()}
    return {name: record for name, record in found.items() if record is not None}


def pending(points: Sequence[Point], records: Mapping[str, Record]) -> list[Point]:
    """Those of ``points`` that are not done: failed ones are tried again."""
    return [point for point in points if not results.is_done(records.get(point.name))]


def run(study: Study, points: Sequence[Point], runs: Path, folder: Path, executor: Executor,
        work: Work = perform) -> dict[str, Record]:
    """Do those of ``points`` that are not done, and return all results of the study, by the points' names.

    Run folders are made in ``runs``, results kept in ``folder``, whose tables are written anew as points end. Raises
    :class:`UserError` for a damaged result and where another process writes ``folder``, :class:`ToolError` where
    nothing can be written; failed points raise nothing.
    """
    runs, folder = runs.absolute(), folder.absolute()
    with alone_in(folder):
        records = kept(study, folder)
        jobs = jobs_of(pending(points, records))
        tables.write(study, folder, records)
        display = Display(jobs, {job: pending_steps(job, runs) for job in jobs}, executor.workers if jobs else 1)
        try:
            for job, outcome in _in_rounds(jobs, runs, executor, work, display):
                found = {point: results.write(folder, point, each) for point, each in _measured(job, outcome)}
                records |= {point.name: record for point, record in found.items()}
                tables.write(study, folder, records)
                display.ended(job, found)
        finally:
            display.close()
    return records


def _measured(job: Job, outcome: Outcome) -> Iterator[tuple[Point, dict[str, Any]]]:
    """Points and what came of them; what stops a training stops its designs."""
    yield from zip(job.points, outcome.measured, strict=True)
    if outcome.error is not None:
        yield from ((design, {"error": outcome.error}) for design in job.designs)


def _in_rounds(jobs: Sequence[Job], runs: Path, executor: Executor, work: Work,
               display: Display) -> Iterator[tuple[Job, Outcome]]:
    """Outcomes as they come: some trainings at a time, beside the designs of those trained in the round before."""
    built: list[Job] = []
    waiting = list(jobs)
    while waiting or built:
        size = _AHEAD * executor.workers
        trainings, waiting = waiting[:size], waiting[size:]
        done = [job for job in trainings if not job.points and not pending_steps(job, runs)]
        this_round, built = [job for job in trainings if job not in done] + built, _designs(done)
        display.begin(this_round)
        for job, outcome in all_outcomes(executor, this_round, work, runs):
            yield job, outcome
            if outcome.error is None:
                built += _designs([job])


def _designs(jobs: Sequence[Job]) -> list[Job]:
    return [Job(job.training, (design,)) for job in jobs for design in job.designs]
