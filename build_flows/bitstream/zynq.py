"""FINN+'s own Zynq flow, run to its end without Vivado: what it would give to the tool is written and kept.

None of its scripts depends on a result of Vivado. So FINN+ is shown a tool that does nothing but make the files whose
existence FINN+ checks, and the scripts are run later, by us: FINN+ would lose Vivado's exit code.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host.errors import ToolError
from host.geometry import Geometry
from hw.boards import Board
from hw.vivado.board_files import finn_board
from hw.vivado.bridge_ip import CELL, write_bridge

STITCH_SCRIPT, SHELL_SCRIPT = "make_project.tcl", "ip_config.tcl"
PROJECT = "finn_zynq_link"            # FINN+'s names
TOP = "top"
_BITFILE = f"{PROJECT}.runs/impl_1/{TOP}_wrapper.bit"
_PRETENCE = f"""#!/bin/sh
# FINN+ checks that these exist, and reads none of them.
design=$(sed -n 's/^create_bd_design "\\(.*\\)"$/\\1/p' {STITCH_SCRIPT} {SHELL_SCRIPT} 2> /dev/null | head -n 1)
for file in ip/component.xml all_verilog_srcs.txt {_BITFILE} \\
    finn_vivado_stitch_proj.gen/sources_1/bd/$design/hdl/${{design}}_wrapper.v \\
    {PROJECT}.gen/sources_1/bd/{TOP}/hw_handoff/{TOP}.hwh
do mkdir -p "$(dirname "$file")"; touch "$file"; done
"""
PRETENDED = ("ip", "all_verilog_srcs.txt", "finn_vivado_stitch_proj.*", f"{PROJECT}.*", "resizer.*")
"""What lies in FINN+'s folders because of that, as glob patterns: never a part of a kit."""

_RESET = "connect_bd_net [get_bd_pins StreamingDataflowPartition_0/ap_rst_n] [get_bd_pins %s]"


@dataclass(frozen=True)
class Folders:
    """The folders of the three scripts, which run there: package_bridge.tcl, make_project.tcl and ip_config.tcl."""

    bridge: Path
    stitch: Path
    shell: Path


def project(model: Any, geometry: Geometry, build_id: int, board: Board, build: Path) -> Folders:
    """Run FINN+'s Zynq flow on a lowered model, with our bridge in place of its DMAs.

    Must run inside :func:`build_flows.finn_session.finn_session` of the folder ``build``. Raises ``UserError`` for a
    board that FINN+ does not know, ``ToolError`` where FINN+'s scripts are not as expected.
    """
    import finn.transformation.fpgadataflow.make_zynq_proj as finn
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.custom_op.registry import getCustomOp

    bridge = build / "bridge"
    (bridge / "ip").mkdir(parents=True)
    write_bridge(geometry, build_id, board, bridge)
    with_bridge = _placed(bridge / "ip")
    name = finn_board(board).name
    _pretend(build / "tools")
    original, finn.GenerateInstrumentationIP = finn.GenerateInstrumentationIP, with_bridge
    try:
        model = model.transform(finn.ZynqBuild(name, 1000.0 / board.clock_mhz, enable_instrumentation=True,
                                               instrumentation_no_dma=True,
                                               partition_model_dir=str(build / "partitions")))
    finally:
        finn.GenerateInstrumentationIP = original
    partitions = model.get_nodes_by_op_type("StreamingDataflowPartition")
    if len(partitions) != 1:
        raise ToolError("FINN+ must put the whole policy into one partition", len(partitions),
                        "this is a fault of the tool chain: keep the run folder and report it")
    kernel = ModelWrapper(getCustomOp(partitions[0]).get_nodeattr("model"))
    folders = Folders(bridge, Path(kernel.get_metadata_prop("vivado_stitch_proj")),
                      Path(model.get_metadata_prop("vivado_pynq_proj")))
    _edit(folders.shell / SHELL_SCRIPT)
    return folders


def _placed(core: Path) -> Any:
    """A transformation that puts our core where FINN+ would generate its instrumentation."""
    from qonnx.transformation.base import Transformation

    class PlaceBridge(Transformation):
        def __init__(self, *unused: Any):
            super().__init__()

        def apply(self, model: Any) -> tuple[Any, bool]:
            model.set_metadata_prop("instrumentation_ipgen", str(core))
            return model, False

    return PlaceBridge


def _pretend(folder: Path) -> None:
    """Make FINN+ call a `vivado` that only leaves the files which FINN+ looks for."""
    folder.mkdir()
    tool = folder / "vivado"
    tool.write_text(_PRETENCE)
    tool.chmod(0o755)
    os.environ["FINN_TOOL_DIR_OVERRIDE"] = str(folder)      # finn_session restores the environment


def _edit(script: Path) -> None:
    """The bridge's own reset for the accelerator, as in the emulator: a soft reset must reach it.

    Also more jobs, because the cores of the block design are synthesised one by one otherwise, and a report deep enough
    to show every layer.
    """
    text = script.read_text()
    for old, new in ((_RESET % "smartconnect_0/aresetn", _RESET % f"{CELL}/accel_rst_n"),
                     ("launch_runs -jobs 1 ", "launch_runs -jobs 4 "),
                     ("-hierarchical_depth 4 ", "-hierarchical_depth 6 ")):
        if text.count(old) != 1:
            raise ToolError(f"FINN+'s shell script must say once `{old.strip()}`", f"{text.count(old)} in {script}",
                            "install finn-plus==1.6.1, or adapt build_flows/bitstream/zynq.py to the new shell")
        text = text.replace(old, new)
    script.write_text(text)
