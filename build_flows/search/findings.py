"""What is found out about a candidate: cheap things first, and no more than it takes to judge it."""
from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from quarl.build_flows.search.estimate import Estimate
from quarl.build_flows.search.question import Search
from quarl.build_flows.search.space import Candidate
from quarl.build_flows.study.grid import Point
from quarl.build_flows.study.results import Record, is_done
from quarl.host.errors import ToolError

Measure = Callable[[Sequence[Point]], Sequence[Record]]
Returns = Sequence[Sequence[float]]       # of the episodes of each seed


class Failed(Exception):
    """A training, a measurement or a build of a candidate went wrong; the text says how."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """A trained candidate. ``returns`` are those of the seeds that were played, ``short`` is by how much their mean
    is below parity. ``hardware``, of a candidate at parity only, is what a study keeps of a design, and ``run`` the
    run folder's name."""

    candidate: Candidate
    estimate: Estimate
    returns: Returns
    short: float
    hardware: Mapping[str, Any] | None = None
    run: str | None = None

    @property
    def parity(self) -> bool:
        """Whether all seeds were played, and their mean is high enough."""
        return self.hardware is not None

    @property
    def mean(self) -> float:
        """Mean return."""
        return mean_of(self.returns)

    @property
    def lut(self) -> float:
        """As synthesised, or else estimated."""
        return float(self.hardware["synthesis"]["lut"]) if self.hardware else self.estimate.lut

    @property
    def latency(self) -> int:
        """Cycles, as measured on the emulator, or else estimated."""
        return int(self.hardware["latency_cycles"]) if self.hardware else self.estimate.latency


def mean_of(returns: Returns) -> float:
    """Over all episodes of all seeds."""
    return statistics.fmean(value for each in returns for value in each)


def floor(search: Search, reference: Returns, seeds: int) -> float:
    """The least mean return of the first ``seeds`` seeds that is at parity with the fp32 policies of these seeds.

    Equal seeds play equal episodes, so that few of them are a fair comparison, too.
    """
    return search.parity.floor([value for each in reference[:seeds] for value in each])


def find_reference(search: Search, measure: Measure) -> Returns:
    """Returns of the fp32 policies. Raises :class:`ToolError` where one cannot be trained."""
    try:
        return _returns(measure(search.reference()))
    except Failed as error:
        raise ToolError("the fp32 policies, which a search compares with, must train", error,
                        "correct the cause and repeat the command; tracebacks are in study.log of their run folders"
                        ) from error


def find(search: Search, candidate: Candidate, estimate: Estimate, reference: Returns, measure: Measure) -> Finding:
    """Train one seed of ``candidate``, the others if that is at parity, and build the best if all are.

    Raises :class:`Failed` where something of it goes wrong.
    """
    policies = search.policies(candidate)
    returns: list[Sequence[float]] = []
    for some in filter(None, (policies[:1], policies[1:])):
        returns += _returns(measure(some))
        short = floor(search, reference, len(returns)) - mean_of(returns)
        if short > 0:
            return Finding(candidate, estimate, returns, short)
    best = max(range(len(policies)), key=lambda seed: statistics.fmean(returns[seed]))
    design = search.design(policies[best])
    record, = measure([design])
    _returns([record])
    return Finding(candidate, estimate, returns, short, record["hardware"], design.name)


def _returns(records: Sequence[Record]) -> list[Sequence[float]]:
    for record in records:
        if not is_done(record):
            raise Failed(record["error"])
    return [record["evaluation"]["returns"] for record in records]


def ruled_out(estimate: Estimate | None, findings: Sequence[Finding]) -> str | None:
    """Why a candidate of this ``estimate`` need not be trained: what is found at parity is as good by the same
    measure; None if it may be better. ``estimate`` None is that of a candidate that does not fit."""
    if estimate is None:
        return "does not fit"
    for finding in findings:
        if finding.parity and finding.estimate.as_good_as(estimate):
            return f"no better than {finding.candidate}"
    return None
