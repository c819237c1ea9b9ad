"""What a worker does: a training, and what is measured of it; or one design of it, built and played."""
from __future__ import annotations

import contextlib
import dataclasses
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quarl.build_flows.study.grid import Point
from quarl.build_flows.study.lock import waiting_for
from quarl.build_flows.study.measure_policy import measure
from quarl.host.errors import MismatchError, ToolError, UserError

LOG = "study.log"         # in the run folder: what training and building say, and the traceback of a failure


@dataclasses.dataclass(frozen=True)
class Job:
    """A training and the points that are measured with it: its own, and those quantised from it afterwards.

    ``designs`` are the points that are built of it. Each is a job of its own, once the training has ended: the job
    of a design has that as its only point.
    """

    training: Point
    points: tuple[Point, ...]
    designs: tuple[Point, ...] = ()

    @property
    def design(self) -> Point | None:
        """The point that is to be built, if that is the job."""
        return self.points[0] if self.points and self.points[0].engine else None

    @property
    def title(self) -> str:
        """For people."""
        return f"build {self.design.title}" if self.design else f"train {self.training.title}"

    @property
    def names(self) -> list[str]:
        """The run folders that it makes."""
        return list(dict.fromkeys(point.name for point in (self.training, *self.points)))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a job ended: what was measured, one a point, and what stopped the training, if that failed."""

    measured: tuple[dict[str, Any], ...]
    error: str | None = None


def failed(job: Job, error: str) -> Outcome:
    """The outcome of a job of which nothing could be measured."""
    return Outcome(({"error": error},) * len(job.points), error)


def jobs_of(points: Sequence[Point]) -> list[Job]:
    """The jobs that do ``points``, in their order."""
    gathered: dict[Point, list[Point]] = {}
    for point in points:
        gathered.setdefault(point.training, []).append(point)
    return [Job(training, tuple(p for p in each if not p.engine), tuple(p for p in each if p.engine))
            for training, each in gathered.items()]


def perform(job: Job, runs: Path) -> Outcome:
    """Train, or take what is trained, and measure the points, in the folder ``runs``.

    Whatever goes wrong in a point becomes its ``error``. Raises :class:`quarl.host.errors.ToolError` where a run folder
    cannot be made.
    """
    folder = runs / job.training.name
    with waiting_for(folder), _logged(folder):
        try:
            trained = _train(job.training, folder)
        except Exception as error:
            return failed(job, _failure(error)["error"])
        if job.design is None:
            return Outcome(tuple(_safely(measure, point, trained, runs) for point in job.points))
    from quarl.build_flows.study.measure_design import measure as measure_design
    folder = runs / job.design.name
    with waiting_for(folder), _logged(folder):
        return Outcome((_safely(measure_design, job.design, trained, runs),))


@contextlib.contextmanager
def _logged(folder: Path) -> Any:
    """Let all that is printed go to the log of ``folder``."""
    with open(folder / LOG, "a") as log, contextlib.redirect_stderr(log), contextlib.redirect_stdout(log):
        yield


def _safely(measuring: Any, point: Point, trained: dict[str, Any], runs: Path) -> dict[str, Any]:
    try:
        return dict(measuring(point, trained, runs))
    except Exception as error:
        return _failure(error)


def _failure(error: Exception) -> dict[str, str]:
    """What is kept of an error; its traceback goes to the log."""
    traceback.print_exception(error)
    explained = isinstance(error, (UserError, ToolError, MismatchError))
    return {"error": " ".join((str(error) if explained else f"{type(error).__name__}: {error}").split())}


def _train(point: Point, folder: Path) -> dict[str, Any]:
    """Train the point, or go on with it, or return what it has become.

    Only policies that see pixels are worth a GPU; for the others the way there takes longer than the work.
    """
    from quarl.models.training.train import TrainConfig, train
    device = "auto" if point.task.startswith("ALE/") else "cpu"
    return train(TrainConfig(point.task, folder, point.algo, point.bits(), point.seed, settings=point.settings,
                             device=device))


def pending_steps(job: Job, runs: Path) -> int:
    """Environment steps that the job has yet to train, at most: none where its run folder is finished."""
    finished = (runs / job.training.name / "train" / "result.json").exists()
    return 0 if finished else int(job.training.settings["total_steps"])
