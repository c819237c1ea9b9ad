"""Running a search: the fp32 policies, then candidate after candidate, and what they come to."""
from __future__ import annotations

import dataclasses
from collections.abc import Callable

from quarl.build_flows.console import say
from quarl.build_flows.search import outcome
from quarl.build_flows.search.estimate import Estimate
from quarl.build_flows.search.findings import Failed, Finding, Measure, Returns, find, find_reference, floor, ruled_out
from quarl.build_flows.search.question import Search
from quarl.build_flows.search.space import Candidate
from quarl.build_flows.search.storage import Storage
from quarl.host.errors import ToolError

MISSES = 50         # candidates in a row that are ruled out, after which nothing better is expected
FAILURES = 3        # candidates in a row that fail, after which something else is wrong

Estimator = Callable[[Search, Candidate], Estimate | None]


@dataclasses.dataclass(frozen=True)
class Result:
    """``reference`` returns of the fp32 policies, the mean ``least`` that is at parity, and the findings in order."""

    reference: Returns
    least: float
    findings: tuple[Finding, ...]
    ruled_out: int
    failed: int


class Progress:
    """What has come of the trials so far, in words for people."""

    def __init__(self, trials: int):
        self.trials = trials
        self.findings: list[Finding] = []
        self.counts = {"PRUNED": 0, "FAIL": 0}
        self.row = {"PRUNED": 0, "FAIL": 0}         # in a row

    def found(self, finding: Finding) -> None:
        """Another finding."""
        self.findings.append(finding)
        self.row = dict.fromkeys(self.row, 0)

    def missed(self, state: str) -> None:
        """A trial that was ruled out or failed."""
        self.counts[state] += 1
        self.row[state] += 1

    @property
    def over(self) -> bool:
        """Whether the search has come to its end."""
        return len(self.findings) >= self.trials or self.row["PRUNED"] >= MISSES

    def head(self, candidate: Candidate) -> str:
        """Of the trial that comes."""
        return f"trial {len(self.findings) + 1} of {self.trials}: {candidate}"

    def best(self) -> str:
        """The best so far."""
        best = outcome.chosen(self.findings)
        return f"best so far {best.candidate}, {best.lut:g} LUT" if best else "none at parity yet"


def run(search: Search, trials: int, storage: Storage, measure: Measure,
        estimate: Estimator) -> Result:
    """Go on with the search until it has ``trials`` findings, or candidates that could be better run out.

    ``measure`` gives the results of points, kept ones at once: trials that have ended are gone through again.
    Raises :class:`ToolError` where the fp32 policies fail, or several candidates in a row.
    """
    reference = find_reference(search, measure)
    least = floor(search, reference, search.seeds)
    say(f"parity: a mean return of {least:.1f} or more")
    progress = Progress(trials)
    for trial in storage.trials():
        cost = estimate(search, trial.candidate) if trial.state == "COMPLETE" else None
        if cost is None:
            progress.missed("FAIL" if trial.state == "FAIL" else "PRUNED")
            continue
        try:
            progress.found(find(search, trial.candidate, cost, reference, measure))
        except Failed as error:             # its result is gone, and was not made again
            say(f"{trial.candidate}: failed: {error}")
            progress.missed("FAIL")
    progress.row["FAIL"] = 0                # another start may succeed
    while not progress.over:
        _step(search, storage, progress, reference, measure, estimate)
    return Result(reference, least, tuple(progress.findings), progress.counts["PRUNED"], progress.counts["FAIL"])


def _step(search: Search, storage: Storage, progress: Progress, reference: Returns, measure: Measure,
          estimate: Estimator) -> None:
    """Do one trial, and keep what comes of it."""
    candidate = storage.ask()
    cost = estimate(search, candidate)
    known = any(candidate == each.candidate for each in progress.findings)
    reason = "tried before" if known else ruled_out(cost, progress.findings)
    if cost is None or reason:
        say(f"{candidate}: {reason}")
        storage.rule_out()
        progress.missed("PRUNED")
        return
    say(f"{progress.head(candidate)}, about {cost.lut:g} LUT, {cost.latency} cycles; {progress.best()}")
    try:
        finding = find(search, candidate, cost, reference, measure)
    except Failed as error:
        say(f"  failed: {error}")
        storage.fail()
        progress.missed("FAIL")
        if progress.row["FAIL"] == FAILURES:
            raise ToolError("a search must be able to measure its candidates", f"{FAILURES} in a row that failed, the "
                            f"last with: {error}", "correct the cause and repeat the command; tracebacks are in "
                            "study.log of the run folders") from error
        return
    storage.tell((finding.mean, finding.lut, float(finding.latency)), finding.short)
    progress.found(finding)
    say(f"  return {finding.mean:.1f}, {'at parity' if finding.parity else f'{finding.short:.1f} below parity'}")
