"""A built accelerator to a bitstream without Vivado: our plain top, Yosys, and openXC7's tools."""
from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from quarl.build_flows.console import stage
from quarl.host.accelerator import description
from quarl.host.errors import ToolError
from quarl.host.files import sha256, staged_folder, write_json
from quarl.hw.boards import Board
from quarl.hw.engines.registry import engine_of
from quarl.hw.place_and_route.openxc7 import Tools, make_bitstream
from quarl.hw.place_and_route.ps7_top import TOP, map_top

REPORT = "report.json"
_SMALLER = "build with a smaller folding (--fold min-area), or train with fewer bits"


def build_openxc7(accel: Path, board: Board, tools: Tools, out: Path) -> dict[str, Any]:
    """Make the bitstream of the accelerator in ``accel`` into the folder ``out``, which appears whole or not at all.

    Returns what ``out/report.json`` says: the files' names and hashes, resources of the whole top as synthesised and as
    placed, the clock's estimate. Raises ToolError for a tool that fails; netlist and logs are then in
    :func:`failed_folder` of ``out``, until a build succeeds.
    """
    described, failed = description.read(accel), failed_folder(out)
    with staged_folder(out) as folder:
        with stage(f"Yosys: map the plain top for {board.part}"):
            mapped = map_top(accel / "rtl", described.geometry, described.engine, board, folder)
        with stage("nextpnr-xilinx, fasm2frames, xc7frames2bit"):
            try:
                made = make_bitstream(tools, board, folder, failed, faster(described))
            except ToolError:
                with staged_folder(failed) as kept:
                    shutil.copytree(folder, kept, dirs_exist_ok=True)
                raise
        bit = f"{TOP}.bit"
        write_json(folder / REPORT, {
            "bitstream": bit, "sha256": sha256((folder / bit).read_bytes()), "board": board.name, "part": board.part,
            "policy_hash": described.policy_hash, "build_id": described.build_id, "base_address": "0x40000000",
            "total": mapped["total"], "percent": mapped["percent"], **made})
    shutil.rmtree(failed, ignore_errors=True)
    return {"folder": str(out), "total": mapped["total"], "percent": mapped["percent"], **made}


def failed_folder(out: Path) -> Path:
    """Where netlist and logs of the last failure are, beside ``out``."""
    return out.with_name(f"{out.name}-failed")


def faster(built: description.Accelerator) -> str:
    """What may make the clock of an accelerator faster that was built so."""
    if not engine_of(built.engine).styled:
        return _SMALLER
    timing = built.style.get("timing", "small")
    return _SMALLER if timing == "fast-clock" else f"build with --timing fast-clock instead of {timing}"
