"""Synthesise a netlist folder with Yosys for the board's chip, and count cells layer by layer. No vendor tool."""
from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from quarl.host.files import write_json
from quarl.hw.boards import Board
from quarl.hw.engines.registry import engine_of
from quarl.hw.shell.shell import BRIDGE_MODULE, SHELL_TOP
from quarl.hw.stitching.sources import modules_in
from quarl.hw.synthesis import cells
from quarl.hw.synthesis.once import yosys_cached
from quarl.hw.tools import packages
from quarl.hw.tools.yosys import run_yosys

_JOBS = 2    # processes; each takes every second layer, which saves more than time: Yosys' cost grows faster than size


def synthesise(folder: Path, top: str, engine: str, board: Board) -> dict[str, Any]:
    """Synthesise ``top`` (``quarl_shell`` or ``accel``) of a stitched folder; cached by content and the chip's family.

    Returns ``total``, ``layers`` (by node), ``bridge`` (for the shell), each with the counts lut, lut_logic,
    lut_memory, ff, carry4, dsp, bram36; ``percent`` of the board; ``tools`` and ``seconds``. Layers keep their
    boundaries, so that the parts sum up to the whole. Raises UserError for a bad engine, ToolError from Yosys.
    """
    engine_of(engine, "the compute engine")
    done = yosys_cached("synthesis", folder, top, (top, engine, board.family), (Path(__file__), Path(cells.__file__)),
                        lambda work, files, stage: _run(work, files, top, engine, board.family, stage / "result.json"))
    result: dict[str, Any] = json.loads((done / "result.json").read_text())
    return {**result, "board": board.name, "percent": percent(result["total"], board)}


def _run(work: Path, files: list[str], top: str, engine: str, family: str, target: Path) -> None:
    start = time.monotonic()
    layers = {module: module.removeprefix("accel_") for module in modules_in(work / "accel.sv") if module != "accel"}
    keep = sorted([*layers, BRIDGE_MODULE, "accel", SHELL_TOP])
    job = {"job": "synthesise", "top": top, "files": files, "keep": keep, "infer_dsp": engine_of(engine).infers_dsp,
           "family": family}
    with ThreadPoolExecutor(_JOBS) as pool:
        shares = pool.map(lambda i: run_yosys({**job, "share": keep[i::_JOBS]}, work), range(_JOBS))
        counts = {module: cells.resources(found) for share in shares for module, found in share.items()}
    total = {name: sum(count[name] for count in counts.values()) for name in cells.resources({})}
    result: dict[str, Any] = {"top": top, "engine": engine, "total": total,
                              "layers": {node: counts[module] for module, node in layers.items()}}
    if BRIDGE_MODULE in counts:
        result["bridge"] = counts[BRIDGE_MODULE]
    write_json(target, {**result, "tools": {"pyosys": packages.version("pyosys")},
                        "seconds": round(time.monotonic() - start, 1)})


def percent(total: dict[str, float], board: Board) -> dict[str, float]:
    """Resources as a share of the board's."""
    return {name: round(100 * total[name] / available, 2)
            for name, available in (("lut", board.lut), ("lut_memory", board.lutram), ("ff", board.ff),
                                    ("dsp", board.dsp), ("bram36", board.bram36))}
