"""Where jobs are done: in processes of this machine, or on a Ray cluster, both by joblib's calls."""
from __future__ import annotations

import contextlib
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from build_flows.study.points import Job, Outcome
from hw.process import stop_all

Work = Callable[[Job, Path], Outcome]
_LOOK = 0.5               # s between two looks at whether the study still lives


class Executor(Protocol):
    """Does jobs, some at a time."""

    @property
    def workers(self) -> int:
        """How many at a time."""

    def outcomes(self, jobs: Sequence[Job], work: Work, runs: Path) -> Iterator[tuple[Job, Outcome]]:
        """Do the jobs, and give their outcomes as they end; those that are lost with a worker are left out."""


class Local:
    """Processes of this machine, each on one thread, which work in the study's run folders."""

    def __init__(self, workers: int):
        self._workers = workers

    @property
    def workers(self) -> int:
        """Processes."""
        return self._workers

    def outcomes(self, jobs: Sequence[Job], work: Work, runs: Path) -> Iterator[tuple[Job, Outcome]]:
        """As :meth:`Executor.outcomes`. Workers are killed where the caller stops."""
        from joblib import parallel_config
        from joblib.externals.loky.process_executor import BrokenProcessPool
        with parallel_config("loky", inner_max_num_threads=1), warnings.catch_warnings(), \
                contextlib.suppress(BrokenProcessPool):
            warnings.simplefilter("ignore")         # joblib remarks that results of killed workers are lost
            calls = ((_locally, (work, job, runs, os.getpid())) for job in jobs)
            for number, outcome in in_parallel(calls, min(self.workers, len(jobs))):
                yield jobs[number], outcome


def in_parallel(calls: Iterator[tuple[Callable[..., Any], tuple[Any, ...]]], workers: int,
                spare: int = 0) -> Iterator[Any]:
    """The number of each call and what it returned, as they end, by joblib's present backend.

    joblib does the work of a single job in this process; a backend that shall not is asked for a ``spare`` one, too.
    """
    from joblib import Parallel, delayed
    results = Parallel(workers + spare, return_as="generator_unordered", batch_size=1, pre_dispatch=workers)(
        delayed(numbered)(number, function, *arguments) for number, (function, arguments) in enumerate(calls))
    try:
        yield from results
    finally:
        results.close()


def numbered(number: int, function: Callable[..., Any], *arguments: Any) -> tuple[int, Any]:
    """What ``function`` returns, behind ``number``."""
    return number, function(*arguments)


def _locally(work: Work, job: Job, runs: Path, study: int) -> Outcome:
    _end_with(study)
    return work(job, runs)


def _end_with(study: int) -> None:
    """Let this worker die with the study, even where that is killed: two workers must never write one run."""
    def watch() -> None:
        while os.getppid() == study:
            time.sleep(_LOOK)
        stop_all()
        os._exit(1)
    if os.getpid() != study and not any(thread.name == "study" for thread in threading.enumerate()):
        threading.Thread(target=watch, name="study", daemon=True).start()
