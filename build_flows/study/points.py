"""What a worker does: a training, and what is measured of it; or one design of it, built and played."""
from __future__ import annotations

import contextlib
import dataclasses
import math
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from build_flows.study.grid import Point
from build_flows.study.lock import waiting_for
from host.errors import MismatchError, ToolError, UserError

OBSERVATIONS = 10_000     # on which the integer reference is compared with torch
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

    Whatever goes wrong in a point becomes its ``error``. Raises :class:`host.errors.ToolError` where a run folder
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
    from build_flows.study.hardware import measure as measure_design
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
    from models.train import TrainConfig, train
    device = "auto" if point.task.startswith("ALE/") else "cpu"
    return train(TrainConfig(point.task, folder, point.algo, point.bits(), point.seed, settings=point.settings,
                             device=device))


def measure(point: Point, trained: dict[str, Any], runs: Path) -> dict[str, Any]:
    """The result of ``point``, whose training is done: its returns, its parity with torch, and the tools' versions.

    Raises :class:`MismatchError` where the integer reference and torch act differently.
    """
    from models.evaluate import evaluate
    from models.runs import load_run
    start = time.perf_counter()
    ensure_policy(point, runs)
    run = load_run(runs / point.name)
    backend = "integer" if point.quantised else "torch"
    returns = checked(evaluate(run, point.episodes, point.seed, backend).tolist())
    return {"training": trained,
            "evaluation": {"backend": backend, "episodes": point.episodes, "seed": point.seed, "returns": returns},
            "parity": _parity(run, point.seed) if point.quantised else None,
            "seconds": round(time.perf_counter() - start, 1), "versions": versions()}


def ensure_policy(point: Point, runs: Path) -> None:
    """Quantise the policy of ``point``, if that is not what was trained; a policy that is there stays."""
    from models.ptq import PtqConfig, ptq
    if point.policy != point.training:
        ptq(PtqConfig(runs / point.training.name, runs / point.policy.name, point.bits()))


def checked(returns: list[float]) -> list[float]:
    """``returns``, if they are numbers. Raises :class:`ToolError`."""
    if not all(map(math.isfinite, returns)):
        raise ToolError("returns must be finite", returns, "train with a smaller learning rate")
    return returns


def versions() -> dict[str, str]:
    """Versions of what decides a trained policy."""
    from importlib.metadata import version

    from models.export import TOOLS
    return {name: version(name) for name in TOOLS}


def _parity(run: Any, seed: int) -> dict[str, int]:
    import numpy as np

    from models.deployed import act_in_integers, act_in_torch
    from models.export import policy_of
    from models.visited import visited_observations
    seen = visited_observations(run, OBSERVATIONS, seed)
    torch = act_in_torch(run.actor, run.normaliser, run.config["algo"], run.action)(seen)
    integer = act_in_integers(policy_of(run))(seen)
    differ = np.flatnonzero((torch != integer).reshape(len(seen), -1).any(axis=1))
    if len(differ):
        first = differ[0]
        raise MismatchError("the integer reference must act as torch does",
                            f"{integer[first]} instead of {torch[first]} on observation {seen[first].tolist()}, "
                            f"and {len(differ)} of {len(seen)} actions that differ", "report this run; it is a fault")
    return {"observations": len(seen), "mismatches": 0}


def pending_steps(job: Job, runs: Path) -> int:
    """Environment steps that the job has yet to train, at most: none where its run folder is finished."""
    finished = (runs / job.training.name / "train" / "result.json").exists()
    return 0 if finished else int(job.training.settings["total_steps"])
