"""The netlist that synthesis counts, in a form that the emulator compiles: what was mapped computes what was written.

    build_emulator(write_netlist(folder, engine, out), geometry, out)
"""
from __future__ import annotations

import importlib.metadata
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from quarl.host.files import write_bytes
from quarl.hw.shell.shell import BRIDGE_MODULE, BUILD_ID_FILE, SHELL_TOP
from quarl.hw.stitching.sources import sources_in
from quarl.hw.synthesis import cell_models
from quarl.hw.tools.cache import cached, digest
from quarl.hw.tools.prerequisites import require
from quarl.hw.tools.yosys import run_yosys

# The parameters that emulator_top gives the bridge
_PARAMETERS = ("OBS_BYTES", "IN_W", "ACT_BYTES", "OUT_W", "AW")


def write_netlist(folder: Path, engine: str, out: Path) -> Path:
    """Map the shell of a stitched folder, bridge and accelerator, to cells of xc7; returns ``out``.

    ``out`` takes the place of ``folder`` for ``emulator.build_emulator`` and the emulator's data: the mapped
    bridge and accelerator with its weights as constants, and models of their cells. Layers keep their boundaries, as in
    ``count.synthesise``. Cached by content. Raises ToolError from Yosys or for a cell without a model.
    """
    require("synthesise")
    files = sources_in(folder)
    inputs = [*files, *sorted(folder.glob("*.dat"))]
    code = [Path(__file__), Path(cell_models.__file__), Path(__file__).parents[1] / "tools" / "yosys_worker.py"]
    key = digest([engine, importlib.metadata.version("pyosys"),
                  *(part for file in (*inputs, *code) for part in (file.name, file.read_bytes()))])
    made = cached("netlist", key, lambda stage: _map(inputs, files, engine, stage))
    for file in (*made.iterdir(), folder / BUILD_ID_FILE):
        write_bytes(out / file.name, file.read_bytes())
    return out


def _map(inputs: Sequence[Path], files: Sequence[Path], engine: str, target: Path) -> None:
    keep = [module for file in files if file.name == "accel.sv"
            for module in re.findall(r"^module (\w+)", file.read_text(), re.MULTILINE)]
    with tempfile.TemporaryDirectory(prefix="quarl-netlist-") as scratch:
        for file in inputs:
            shutil.copy(file, scratch)
        types = run_yosys({"job": "netlist", "top": SHELL_TOP, "files": [file.name for file in files],
                           "keep": [*keep, BRIDGE_MODULE, SHELL_TOP], "infer_dsp": engine != "lut",
                           "wrap": {"accel": [], BRIDGE_MODULE: _PARAMETERS}}, Path(scratch))
        for name in ("netlist.v", "wrappers.sv"):
            write_bytes(target / name, (Path(scratch) / name).read_bytes())
    write_bytes(target / "cells.v", cell_models.cell_models(types).encode())
