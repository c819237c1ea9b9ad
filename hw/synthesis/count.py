"""Synthesise a netlist folder with Yosys for the board's chip, and count cells layer by layer. No vendor tool."""
from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from quarl.host.errors import ToolError, UserError
from quarl.host.files import write_json
from quarl.hw.boards import Board
from quarl.hw.engines.registry import ENGINES
from quarl.hw.shell.shell import BRIDGE_MODULE, SHELL_TOP
from quarl.hw.stitching.sources import sources_in
from quarl.hw.tools.cache import cached, digest
from quarl.hw.tools.prerequisites import require
from quarl.hw.tools.yosys import run_yosys

_JOBS = 2    # processes; each takes every second layer, which saves more than time: Yosys' cost grows faster than size

# Look-up tables that each memory primitive takes (Xilinx UG474 and UG574, "Distributed RAM" and "SRL").
_LUT_MEMORY = {"RAM32X1S": 1, "RAM32X1D": 2, "RAM32M": 4, "RAM64X1S": 1, "RAM64X1D": 2, "RAM64M": 4,
               "RAM128X1S": 2, "RAM128X1D": 4, "RAM256X1S": 4, "RAM256X1D": 8, "RAM512X1S": 8, "RAM32M16": 8,
               "RAM64M8": 8, "RAM64X8SW": 8, "RAM32X16DR8": 8, "SRL16E": 1, "SRLC32E": 1}
_LUT_LOGIC = re.compile(r"LUT[1-6]|LUT6_2|INV")
_FLIP_FLOP = re.compile(r"FD[RSCP]E(_1)?|LD[CP]E")
_OTHERS = {"CARRY4": ("carry4", 1.0), "CARRY8": ("carry4", 2.0), "DSP48E1": ("dsp", 1.0), "DSP48E2": ("dsp", 1.0),
           "RAMB36E1": ("bram36", 1.0), "RAMB36E2": ("bram36", 1.0), "RAMB18E1": ("bram36", 0.5),
           "RAMB18E2": ("bram36", 0.5)}
# No resource of their own, part of a slice's LUTs, or outside the fabric
_FREE = ("$scopeinfo", "MUXF7", "MUXF8", "MUXF9", "VCC", "GND", "BUFG", "PS7")


def synthesise(folder: Path, top: str, engine: str, board: Board) -> dict[str, Any]:
    """Synthesise ``top`` (``quarl_shell`` or ``accel``) of a stitched folder; cached by content and the chip's family.

    Returns ``total``, ``layers`` (by node), ``bridge`` (for the shell), each with the counts lut, lut_logic,
    lut_memory, ff, carry4, dsp, bram36; ``percent`` of the board; ``tools`` and ``seconds``. Layers keep their
    boundaries, so that the parts sum up to the whole. Raises UserError for a bad engine, ToolError from Yosys.
    """
    if engine not in ENGINES:
        raise UserError("the compute engine must be one of " + ", ".join(ENGINES), engine, "choose one of them")
    require("synthesise")
    files = [file for file in sources_in(folder) if file.name != f"{SHELL_TOP}.sv" or top == SHELL_TOP]
    inputs = [*files, *sorted(folder.glob("*.dat"))]
    here = [Path(__file__), Path(__file__).parents[1] / "tools" / "yosys_worker.py"]
    key = digest([top, engine, board.family, importlib.metadata.version("pyosys"),
                  *(part for file in (*inputs, *here) for part in (file.name, file.read_bytes()))])
    done = cached("synthesis", key, lambda stage: _run(inputs, files, top, engine, board.family, stage / "result.json"))
    result: dict[str, Any] = json.loads((done / "result.json").read_text())
    return {**result, "board": board.name, "percent": percent(result["total"], board)}


def _run(inputs: list[Path], files: list[Path], top: str, engine: str, family: str, target: Path) -> None:
    start = time.monotonic()
    nodes = [node for file in files if file.name == "accel.sv"
             for node in re.findall(r"^module accel_(\w+)", file.read_text(), re.MULTILINE)]
    layers = {f"accel_{node}": node for node in nodes}
    with tempfile.TemporaryDirectory(prefix="quarl-synthesis-") as scratch:
        for file in inputs:
            shutil.copy(file, scratch)
        keep = sorted([*layers, BRIDGE_MODULE, "accel", SHELL_TOP])
        job = {"job": "synthesise", "top": top, "files": [file.name for file in files], "keep": keep,
               "infer_dsp": engine != "lut", "family": family}
        with ThreadPoolExecutor(_JOBS) as pool:
            shares = pool.map(lambda i: run_yosys({**job, "share": keep[i::_JOBS]}, Path(scratch)), range(_JOBS))
            counts = {module: resources(cells) for share in shares for module, cells in share.items()}
    total = {name: sum(count[name] for count in counts.values()) for name in resources({})}
    result: dict[str, Any] = {"top": top, "engine": engine, "total": total,
                              "layers": {node: counts[module] for module, node in layers.items()}}
    if BRIDGE_MODULE in counts:
        result["bridge"] = counts[BRIDGE_MODULE]
    write_json(target, {**result, "tools": {"pyosys": importlib.metadata.version("pyosys")},
                        "seconds": round(time.monotonic() - start, 1)})


def resources(cells: dict[str, int]) -> dict[str, float]:
    """Cell type -> count, turned into resources. Raises ToolError for a type that is not known."""
    found: dict[str, float] = dict.fromkeys(("lut", "lut_logic", "lut_memory", "ff", "carry4", "dsp", "bram36"), 0)
    for cell, n in cells.items():
        if _LUT_LOGIC.fullmatch(cell):
            found["lut_logic"] += n
        elif cell in _LUT_MEMORY:
            found["lut_memory"] += n * _LUT_MEMORY[cell]
        elif _FLIP_FLOP.fullmatch(cell):
            found["ff"] += n
        elif cell in _OTHERS:
            name, share = _OTHERS[cell]
            found[name] += n * share if share != 1 else n
        elif cell not in _FREE:
            raise ToolError("synthesis must map everything to known cells of the chip", f"{n} of type {cell}",
                            "add the cell to hw/synthesis/count.py, or mend the RTL that asks for it")
    found["lut"] = found["lut_logic"] + found["lut_memory"]
    return found


def percent(total: dict[str, float], board: Board) -> dict[str, float]:
    """Resources as a share of the board's."""
    return {name: round(100 * total[name] / available, 2)
            for name, available in (("lut", board.lut), ("lut_memory", board.lutram), ("ff", board.ff),
                                    ("dsp", board.dsp), ("bram36", board.bram36))}
