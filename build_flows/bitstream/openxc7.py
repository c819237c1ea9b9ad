"""A built accelerator to a bitstream without Vivado: our plain top, Yosys, and openXC7's tools."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from quarl.build_flows.console import stage
from quarl.host.accelerator import description
from quarl.host.files import sha256, staged_folder, write_json
from quarl.hw.boards import Board
from quarl.hw.place_and_route.openxc7 import Tools, check_cells, make_bitstream
from quarl.hw.place_and_route.ps7_top import TOP, map_top

REPORT = "report.json"


def build_openxc7(accel: Path, board: Board, tools: Tools, out: Path) -> dict[str, Any]:
    """Make the bitstream of the accelerator in ``accel`` into the folder ``out``, which appears whole or not at all.

    Returns what ``out/report.json`` says: the files' names and hashes, resources of the whole top, the clock's
    estimate. Raises UserError for a design that the tools refuse, ToolError for a tool that fails.
    """
    described = description.read(accel)
    with staged_folder(out) as folder:
        with stage(f"Yosys: map the plain top for {board.part}"):
            mapped = map_top(accel / "rtl", described.geometry, described.engine, board, folder)
            check_cells(mapped["cells"])
        with stage("nextpnr-xilinx, fasm2frames, xc7frames2bit"):
            timing = make_bitstream(tools, board, folder)
        bit = f"{TOP}.bit"
        write_json(folder / REPORT, {
            "bitstream": bit, "sha256": sha256((folder / bit).read_bytes()), "board": board.name, "part": board.part,
            "policy_hash": described.policy_hash, "build_id": described.build_id, "base_address": "0x40000000",
            "total": mapped["total"], "percent": mapped["percent"], "clock": timing})
    return {"folder": str(out), "total": mapped["total"], "percent": mapped["percent"], "clock": timing}
