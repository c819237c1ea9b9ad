"""Where jobs are done: in processes of this machine, or on a Ray cluster, both by what joblib has for them."""
from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any, Protocol

from quarl.build_flows.study.jobs import Job, Outcome, failed
from quarl.host.errors import ToolError
from quarl.hw.tools.process import stop_all

Work = Callable[[Job, Path], Outcome]
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}    # of a worker
_LOOK = 0.5               # s between two looks at whether the study still lives


class Executor(Protocol):
    """Does jobs, some at a time, each in a process of its own."""

    @property
    def workers(self) -> int:
        """How many at a time."""

    def outcomes(self, jobs: Sequence[Job], work: Work, runs: Path) -> Iterator[tuple[Job, Outcome]]:
        """Do the jobs, and give their outcomes as they end; those whose process was killed are left out."""


def all_outcomes(executor: Executor, jobs: Sequence[Job], work: Work, runs: Path) -> Iterator[tuple[Job, Outcome]]:
    """The outcomes of all jobs as they end. What is lost with its process is done again, once; then it has failed."""
    lost = list(jobs)
    for _ in range(2):
        if lost:
            for job, outcome in executor.outcomes(tuple(lost), work, runs):
                lost.remove(job)
                yield job, outcome
    for job in lost:
        yield job, failed(job, str(ToolError(
            "a job must not end the process that does it", "a process that was killed in both of two attempts",
            "repeat the command; if memory was short, with fewer --jobs")))


class Local:
    """Processes of this machine, each on one thread, which work in the study's run folders.

    Each is a pool of its own, so that one that is killed takes no job along but its own.
    """

    def __init__(self, workers: int):
        self._workers = workers
        self._idle: list[Any] = []

    @property
    def workers(self) -> int:
        """Processes."""
        return self._workers

    def outcomes(self, jobs: Sequence[Job], work: Work, runs: Path) -> Iterator[tuple[Job, Outcome]]:
        """As :meth:`Executor.outcomes`. Workers are killed where the caller stops."""
        from joblib.externals.loky.process_executor import BrokenProcessPool
        waiting, busy = list(jobs), dict[Future[Outcome], tuple[Job, Any]]()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")         # loky remarks where it renews a process that has grown
            try:
                while waiting or busy:
                    while waiting and len(busy) < self.workers:
                        job, pool = waiting.pop(0), self._idle.pop() if self._idle else _pool()
                        with contextlib.suppress(BrokenProcessPool):        # its process was killed while it was idle
                            busy[pool.submit(work, job, runs)] = job, pool
                    for future in wait(busy, return_when=FIRST_COMPLETED).done:
                        job, pool = busy.pop(future)
                        try:
                            outcome = future.result()
                        except BrokenProcessPool:
                            continue
                        self._idle.append(pool)
                        yield job, outcome
            except BaseException:
                for _, pool in busy.values():
                    pool.shutdown(kill_workers=True)
                raise


def _pool() -> Any:
    from joblib.externals.loky import ProcessPoolExecutor
    return ProcessPoolExecutor(1, initializer=_live_with, initargs=(os.getpid(),), env=THREADS)


def _live_with(study: int) -> None:
    """Let this process die with the study, even where that is killed, as two must never write one run; but leave
    Ctrl-C to the study."""
    def watch() -> None:
        while os.getppid() == study:
            time.sleep(_LOOK)
        stop_all()
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch, daemon=True).start()
