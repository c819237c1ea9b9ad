"""What is measured of a policy: its returns, and its parity with torch."""
from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from quarl.build_flows.study.grid import Point
from quarl.host.errors import MismatchError, ToolError
from quarl.host.versions import versions

OBSERVATIONS = 10_000     # on which the integer reference is compared with torch


def measure(point: Point, trained: dict[str, Any], runs: Path) -> dict[str, Any]:
    """The result of ``point``, whose training is done: its returns, its parity with torch, and the tools' versions.

    Raises :class:`MismatchError` where the integer reference and torch act differently.
    """
    from quarl.models.export.package import TOOLS
    from quarl.models.play.evaluate import evaluate
    from quarl.models.runs.run_folder import load_run
    start = time.perf_counter()
    ensure_policy(point, runs)
    run = load_run(runs / point.name)
    backend = "integer" if point.quantised else "torch"
    returns = checked(evaluate(run, point.episodes, point.seed, backend).tolist())
    return {"training": trained,
            "evaluation": {"backend": backend, "episodes": point.episodes, "seed": point.seed, "returns": returns},
            "parity": _parity(run, point.seed) if point.quantised else None,
            "seconds": round(time.perf_counter() - start, 1), "versions": versions(TOOLS)}


def ensure_policy(point: Point, runs: Path) -> None:
    """Quantise the policy of ``point``, if that is not what was trained; a policy that is there stays."""
    from quarl.models.ptq.quantise import PtqConfig, ptq
    if point.policy != point.training:
        ptq(PtqConfig(runs / point.training.name, runs / point.policy.name, point.bits()))


def checked(returns: list[float]) -> list[float]:
    """``returns``, if they are numbers. Raises :class:`ToolError`."""
    if not all(map(math.isfinite, returns)):
        raise ToolError("returns must be finite", returns, "train with a smaller learning rate")
    return returns


def _parity(run: Any, seed: int) -> dict[str, int]:
    import numpy as np

    from quarl.models.export.package import policy_of
    from quarl.models.play.act import act_in_integers, act_in_torch
    from quarl.models.play.observations import visited_observations
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
