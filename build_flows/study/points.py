"""What a worker does: one training, and all points that follow from it."""
from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from build_flows.study import results
from build_flows.study.grid import Point
from build_flows.study.lock import waiting_for
from host.errors import MismatchError, ToolError, UserError

OBSERVATIONS = 10_000     # on which the integer reference is compared with torch
_LOOK = 0.5               # s between two looks at whether the study still lives
LOG = "study.log"         # in the run folder: what training says, and the traceback of a failure


@dataclasses.dataclass(frozen=True)
class Job:
    """A training and the points that need it: its own, and those quantised from it afterwards."""

    training: Point
    points: tuple[Point, ...]


def jobs_of(points: Sequence[Point]) -> list[Job]:
    """The jobs that do ``points``, in their order."""
    gathered: dict[Point, list[Point]] = {}
    for point in points:
        gathered.setdefault(point.training, []).append(point)
    return [Job(training, tuple(each)) for training, each in gathered.items()]


def perform(job: Job, runs: Path, kept: Path, study: int) -> list[results.Record]:
    """Train, measure the points, keep their results in ``kept`` and return them. ``study`` is the parent's process id.

    Whatever goes wrong in a point becomes its ``error``. Raises :class:`host.errors.ToolError` where results cannot be
    written.
    """
    _end_with(study)
    folder = runs / job.training.name
    with waiting_for(folder), open(folder / LOG, "a") as log, contextlib.redirect_stderr(log):
        try:
            trained = _train(job.training, folder)
        except Exception as error:
            return [results.write(kept, point, _failure(error)) for point in job.points]
        return [_keep(point, trained, runs, kept) for point in job.points]


def _keep(point: Point, trained: dict[str, Any], runs: Path, kept: Path) -> results.Record:
    try:
        measured = measure(point, trained, runs)
    except Exception as error:
        measured = _failure(error)
    return results.write(kept, point, measured)


def _failure(error: Exception) -> dict[str, Any]:
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
    from importlib.metadata import version

    from models.evaluate import evaluate
    from models.export import TOOLS
    from models.runs import load_run
    start = time.perf_counter()
    if point != point.training:
        _quantise(point, runs)
    run = load_run(runs / point.name)
    backend = "integer" if point.quantised else "torch"
    returns = evaluate(run, point.episodes, point.seed, backend).tolist()
    if not all(map(math.isfinite, returns)):
        raise ToolError("returns must be finite", returns, "train with a smaller learning rate")
    return {"training": trained,
            "evaluation": {"backend": backend, "episodes": point.episodes, "seed": point.seed, "returns": returns},
            "parity": _parity(run, point.seed) if point.quantised else None,
            "seconds": round(time.perf_counter() - start, 1), "versions": {name: version(name) for name in TOOLS}}


def _quantise(point: Point, runs: Path) -> None:
    from models.ptq import PtqConfig, ptq
    ptq(PtqConfig(runs / point.training.name, runs / point.name, point.bits()))


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


def _end_with(study: int) -> None:
    """Let this worker die with the study, even where that is killed: two workers must never write one run."""
    def watch() -> None:
        while os.getppid() == study:
            time.sleep(_LOOK)
        os._exit(1)
    if os.getpid() != study and not any(thread.name == "study" for thread in threading.enumerate()):
        threading.Thread(target=watch, name="study", daemon=True).start()


def pending_steps(job: Job, runs: Path) -> int:
    """Environment steps that the job has yet to train, at most: none where its run folder is finished."""
    finished = (runs / job.training.name / "train" / "result.json").exists()
    return 0 if finished else int(job.training.settings["total_steps"])
