"""Running a study: what is not done yet, in worker processes, each result kept as it comes."""
from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from build_flows.study import results
from build_flows.study.display import Display
from build_flows.study.grid import Point, Study
from build_flows.study.lock import alone_in
from build_flows.study.points import Job, jobs_of, pending_steps, perform
from build_flows.study.results import Record
from host.errors import ToolError, UserError

Work = Callable[[Job, Path, Path, int], list[Record]]


def kept(study: Study, folder: Path) -> dict[str, Record]:
    """All kept results of the study, by the points' names. Raises :class:`UserError` for a damaged one."""
    found = {point.name: results.read(folder, point) for point in study.points()}
    return {name: record for name, record in found.items() if record is not None}


def pending(points: Sequence[Point], records: Mapping[str, Record]) -> list[Point]:
    """Those of ``points`` that are not done: failed ones are tried again."""
    return [point for point in points if not results.is_done(records.get(point.name))]


def run(study: Study, points: Sequence[Point], runs: Path, folder: Path, workers: int,
        work: Work = perform) -> dict[str, Record]:
    """Do those of ``points`` that are not done, and return all results of the study, by the points' names.

    Run folders are made in ``runs``, results kept in ``folder``, whose tables are written anew as points end. Raises
    :class:`UserError` for a damaged result and where another process writes ``folder``, :class:`ToolError` where a
    worker is killed or nothing can be written; failed points raise nothing.
    """
    if workers < 1:
        raise UserError("the number of jobs must be 1 or more", workers, "pass --jobs 2")
    runs, folder = runs.absolute(), folder.absolute()
    with alone_in(folder):
        records = kept(study, folder)
        jobs = jobs_of(pending(points, records))
        workers = min(workers, len(jobs))
        results.write_tables(study, folder, records)
        display = Display(jobs, [pending_steps(job, runs) for job in jobs], workers)
        try:
            for job, found in _parallel(jobs, workers, work, runs, folder):
                records |= {record["name"]: record for record in found}
                results.write_tables(study, folder, records)
                display.ended(job, found)
        finally:
            display.close()
    return records


def _parallel(jobs: Sequence[Job], workers: int, work: Work, runs: Path,
              folder: Path) -> Iterator[tuple[Job, list[Record]]]:
    """Jobs and their results as they end, each worker on one thread. Workers are killed where the caller stops."""
    if not jobs:
        return
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import BrokenProcessPool
    with parallel_config("loky", inner_max_num_threads=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")         # joblib remarks that results of killed workers are lost
        outcomes = Parallel(workers, return_as="generator_unordered", batch_size=1)(
            delayed(_labelled)(work, number, job, runs, folder, os.getpid()) for number, job in enumerate(jobs))
        try:
            for number, found in outcomes:
                yield jobs[number], found
        except BrokenProcessPool as error:
            raise ToolError("a worker of the study must not be killed", " ".join(str(error).split())[:200],
                            "repeat the command to go on; if memory was short, with fewer --jobs") from error
        finally:
            outcomes.close()


def _labelled(work: Work, number: int, job: Job, runs: Path, folder: Path, study: int) -> tuple[int, list[Record]]:
    return number, work(job, runs, folder, study)
