"""What a search makes of its findings: the chosen design, and the designs that none other beats."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quarl.build_flows.search.findings import Finding

COLUMNS = ("policy", "parity", "seeds", "return", "LUT", "latency", "")


def chosen(findings: Sequence[Finding]) -> Finding | None:
    """The smallest design at parity, the fastest of equals; None if there is none."""
    return min((each for each in findings if each.parity), key=lambda each: (each.lut, each.latency), default=None)


def pareto(findings: Sequence[Finding]) -> list[Finding]:
    """Those that no other beats in return, LUTs and latency at once, from the smallest on."""
    unbeaten = [each for each in findings if not any(_beats(other, each) for other in findings)]
    return sorted(unbeaten, key=lambda each: (each.lut, each.latency))


def _beats(one: Finding, other: Finding) -> bool:
    pairs = ((-one.mean, -other.mean), (one.lut, other.lut), (one.latency, other.latency))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def row(finding: Finding, best: Finding | None) -> list[str]:
    """Of a table with :data:`COLUMNS`; ``~`` marks an estimate."""
    about = "" if finding.parity else "~"
    return [str(finding.candidate), "yes" if finding.parity else "no", str(len(finding.returns)),
            f"{finding.mean:.1f}", f"{about}{finding.lut:g}", f"{about}{finding.latency}",
            "chosen" if finding is best else ""]


def describe(finding: Finding) -> dict[str, Any]:
    """As the command's JSON has it."""
    bits = finding.candidate.bits
    return {"bits": bits.describe(), "hidden": finding.candidate.hidden, "parity": finding.parity,
            "seeds": len(finding.returns), "return_mean": finding.mean, "lut": finding.lut,
            "latency_cycles": finding.latency, "estimate": finding.estimate._asdict(), "run": finding.run}
