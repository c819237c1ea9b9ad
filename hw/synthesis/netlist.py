"""The netlist that synthesis counts, in a form that the emulator compiles: what was mapped computes what was written.

    build_emulator(write_netlist(folder, engine, out), geometry, out)
"""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from quarl.host.files import write_bytes
from quarl.hw.engines.registry import engine_of
from quarl.hw.shell.shell import BRIDGE_MODULE, BUILD_ID_FILE, SHELL_TOP
from quarl.hw.stitching.sources import modules_in
from quarl.hw.synthesis import cell_models
from quarl.hw.synthesis.once import yosys_cached
from quarl.hw.tools.yosys import run_yosys

# The parameters that emulator_top gives the bridge
_PARAMETERS = ("OBS_BYTES", "IN_W", "ACT_BYTES", "OUT_W", "AW")


def write_netlist(folder: Path, engine: str, out: Path) -> Path:
    """Map the shell of a stitched folder, bridge and accelerator, to cells of xc7; returns ``out``.

    ``out`` takes the place of ``folder`` for ``emulator.build_emulator`` and the emulator's data: the mapped
    bridge and accelerator with its weights as constants, and models of their cells. Layers keep their boundaries, as in
    ``count.synthesise``. Cached by content. Raises ToolError from Yosys or for a cell without a model.
    """
    made = yosys_cached("netlist", folder, SHELL_TOP, (engine,), (Path(__file__), Path(cell_models.__file__)),
                        lambda work, files, stage: _map(work, files, engine, stage))
    for file in (*made.iterdir(), folder / BUILD_ID_FILE):
        write_bytes(out / file.name, file.read_bytes())
    return out


def _map(work: Path, files: Sequence[str], engine: str, target: Path) -> None:
    types = run_yosys({"job": "netlist", "top": SHELL_TOP, "files": files,
                       "keep": [*modules_in(work / "accel.sv"), BRIDGE_MODULE, SHELL_TOP],
                       "infer_dsp": engine_of(engine).infers_dsp,
                       "wrap": {"accel": [], BRIDGE_MODULE: _PARAMETERS}}, work)
    for name in ("netlist.v", "wrappers.sv"):
        write_bytes(target / name, (work / name).read_bytes())
    write_bytes(target / "cells.v", cell_models.cell_models(types).encode())
