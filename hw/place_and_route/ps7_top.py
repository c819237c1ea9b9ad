"""A plain top for a Zynq-7000 without block design or vendor IP, and its netlist in the chip's cells.

The top is hw/place_and_route/rtl/ps7_top.sv: the processing system's primitive, the adapter from AXI3, the shell.
"""
from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from quarl.host.accelerator.geometry import Geometry
from quarl.host.errors import UserError
from quarl.host.files import explained, write_bytes, write_json
from quarl.hw.boards import Board
from quarl.hw.engines.registry import engine_of
from quarl.hw.shell.shell import BRIDGE_MODULE, SHELL_TOP, address_width
from quarl.hw.stitching.sources import modules_in
from quarl.hw.synthesis.cells import resources
from quarl.hw.synthesis.count import percent
from quarl.hw.synthesis.once import yosys_cached
from quarl.hw.tools.yosys import run_yosys

TOP = "ps7_top"
_RTL = Path(__file__).with_name("rtl")
ADAPTER = _RTL / "axi3_to_axil.sv"
MEMORIES, TABLES = _RTL / "memories.v", _RTL / "tables.v"
"""Cells that nextpnr-xilinx does not take, as modules of those that it does."""
_CONSTRAINTS = f"{TOP}.xdc"


def write_top(geometry: Geometry, board: Board, out: Path) -> list[Path]:
    """Write ``ps7_top.sv``, the adapter and the constraints to ``out``; returns the sources.

    Not into the shell's own folder: an emulator knows no PS7. Raises UserError for a board that is no Zynq-7000,
    ToolError when ``out`` cannot be written.
    """
    if not board.zynq7:
        raise UserError("the plain top is for a Zynq-7000, whose processing system it instantiates",
                        f"{board.name} with a {board.part}", "build with --target bitstream by Vivado")
    write_bytes(out / f"{TOP}.sv", top_text(geometry).encode())
    write_bytes(out / _CONSTRAINTS, constraints_text(board).encode())
    with explained(out):
        return [Path(shutil.copy(ADAPTER, out)), out / f"{TOP}.sv"]


def top_text(geometry: Geometry) -> str:
    """The top, with the address width that the shell's observation needs."""
    return (_RTL / f"{TOP}.sv").read_text().replace("AW = 12", f"AW = {address_width(geometry)}", 1)


def constraints_text(board: Board) -> str:
    """The clock, as Vivado and nextpnr-xilinx read it. What FCLK0 really is, the processing system's set-up decides."""
    return (f"# FCLK0 of the processing system at {board.clock_mhz} MHz; the design has no pins\n"
            f"create_clock -name fclk0 -period {1000 / board.clock_mhz:.3f} [get_nets clk]\n")


def map_top(folder: Path, geometry: Geometry, engine: str, board: Board, out: Path) -> dict[str, Any]:
    """Map the top around a stitched folder with its shell to cells of xc7, as nextpnr-xilinx takes them.

    Writes ``ps7_top.json`` (the netlist) and ``ps7_top.xdc`` to ``out``. Returns ``total``, counts as in
    ``count.synthesise``, ``percent`` of the board and ``cells`` by type. Cached by content, apart from the
    board. Raises ToolError from Yosys.
    """
    def fill(work: Path, files: list[str], stage: Path) -> None:
        added = [file.name for file in write_top(geometry, board, work)]
        for file in (MEMORIES, TABLES):
            shutil.copy(file, work)
        cells = run_yosys({"job": "place", "top": TOP, "files": [*files, *added],
                           "keep": [TOP, SHELL_TOP, BRIDGE_MODULE, ADAPTER.stem, *modules_in(work / "accel.sv")],
                           "infer_dsp": engine_of(engine).infers_dsp, "primitives": ["PS7", "BUFG"],
                           "memories": MEMORIES.name, "tables": TABLES.name}, work)
        write_bytes(stage / f"{TOP}.json", (work / f"{TOP}.json").read_bytes())
        write_json(stage / "cells.json", cells)

    done = yosys_cached("ps7-top", folder, SHELL_TOP, (engine, top_text(geometry)),
                        (Path(__file__), ADAPTER, MEMORIES, TABLES), fill)
    write_bytes(out / f"{TOP}.json", (done / f"{TOP}.json").read_bytes())
    write_bytes(out / _CONSTRAINTS, constraints_text(board).encode())
    cells = json.loads((done / "cells.json").read_text())
    total = resources(cells)
    return {"total": total, "percent": percent(total, board), "cells": cells}
