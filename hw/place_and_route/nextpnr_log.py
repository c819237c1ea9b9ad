"""What nextpnr-xilinx says of a design that it has placed and routed: its clock, what limits it, what it takes."""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_CLOCK = re.compile(r"^(\w+): Max frequency for clock\s+'[^']*': ([\d.]+) MHz \((PASS|FAIL) at ([\d.]+) MHz\)", re.M)
_PATH = re.compile(r"^Info: Critical path report for clock .*\n((?:Info: .*\n)*?)"
                   r"Info: ([\d.]+) ns logic, ([\d.]+) ns routing", re.M)
_STEP = re.compile(r"^Info: .*\b(Source|Net|Setup) (\S+)", re.M)
_USED = re.compile(r"^Info: Device utili[sz]ation:\n((?:Info:\s+\w+:\s+\d+/.*\n?)+)", re.M)
_ROW = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)", re.M)


@dataclass(frozen=True)
class Clock:
    """A clock as it was last reported, in MHz; ``level`` is the word that the line starts with, for example ERROR."""

    mhz: float
    wanted_mhz: float
    passed: bool
    level: str


def clock(text: str) -> Clock | None:
    """The last report of a clock in a log, None without one: before routing there is another, which is no verdict."""
    found = _CLOCK.findall(text)
    if not found:
        return None
    level, mhz, passed, wanted = found[-1]
    return Clock(float(mhz), float(wanted), passed == "PASS", level)


def path(text: str) -> dict[str, Any] | None:
    """The last critical path of a log, None without one: ``from`` and ``to``, pins; ``nets`` between; ns."""
    found = _PATH.findall(text)
    if not found:
        return None
    lines, logic, routing = found[-1]
    steps = _STEP.findall(lines)
    pins = [name for kind, name in steps if kind != "Net"]
    return {"from": pins[0] if pins else "", "to": pins[-1] if pins else "",
            "nets": [name for kind, name in steps if kind == "Net"],
            "logic_ns": float(logic), "routing_ns": float(routing)}


def used(text: str) -> dict[str, dict[str, int]]:
    """The last count of the chip's cells that are taken, by nextpnr's name of each: ``used`` and ``of``, all of them.

    A look-up table counts twice in SLICE_LUTX, as it has two outputs; what only passes a signal on counts too.
    """
    found = _USED.findall(text)
    return {name: {"used": int(taken), "of": int(total)} for name, taken, total in _ROW.findall(found[-1])
            if int(taken)} if found else {}
