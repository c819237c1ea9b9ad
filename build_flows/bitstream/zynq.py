"""FINN+'s own Zynq flow, run to its end without a vendor's tool: what it would give to the tools is written and kept.

None of its scripts depends on a result of a tool. So FINN+ is shown tools that do nothing but make the files whose
existence FINN+ checks, and the scripts are run later, by us: FINN+ would lose Vivado's exit code.
"""
from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quarl.host.accelerator.geometry import Geometry
from quarl.host.errors import ToolError
from quarl.hw.boards import Board
from quarl.hw.vivado.board_files import finn_board
from quarl.hw.vivado.bridge_ip import CELL, write_bridge
from quarl.hw.vivado.bridge_ip import SCRIPT as BRIDGE_SCRIPT
from quarl.hw.vivado.installation import supported

SHELLS = ("bridge", "dma")
"""Our AXI4-Lite bridge, or FINN's two DMAs, which FINN's own driver moves buffers with."""
VIVADO, HLS = "vivado", "vitis_hls"

SHELL_SCRIPT = "ip_config.tcl"
PROJECT = "finn_zynq_link"            # FINN+'s names
TOP = "top"
_STITCH_SCRIPT = "make_project.tcl"
_CORE = "ip/component.xml"
_BITFILE = f"{PROJECT}.runs/impl_1/{TOP}_wrapper.bit"
_VIVADO_PRETENCE = f"""#!/bin/sh
# FINN+ checks that these exist, and reads none of them.
design=$(sed -n 's/^create_bd_design "\\(.*\\)"$/\\1/p' {_STITCH_SCRIPT} {SHELL_SCRIPT} 2> /dev/null | head -n 1)
for file in {_CORE} all_verilog_srcs.txt {_BITFILE} \\
    finn_vivado_stitch_proj.gen/sources_1/bd/$design/hdl/${{design}}_wrapper.v \\
    {PROJECT}.gen/sources_1/bd/{TOP}/hw_handoff/{TOP}.hwh
do mkdir -p "$(dirname "$file")"; touch "$file"; done
"""
_HLS_PRETENCE = """#!/bin/sh
mkdir -p "$(sed -n 's/^set config_proj_name //p' "$1")/sol1/impl/ip"
"""
PRETENDED = ("ip", "all_verilog_srcs.txt", "finn_vivado_stitch_proj.*", f"{PROJECT}.*", "resizer.*", "project_*")
"""What lies in FINN+'s folders because of that, as glob patterns: never a part of a kit."""

_RESET = "connect_bd_net [get_bd_pins StreamingDataflowPartition_0/ap_rst_n] [get_bd_pins %s]"


@dataclass(frozen=True)
class Step:
    """A script that a tool runs in ``folder``, one of FINN+'s, and the file there that it must leave."""

    name: str
    tool: str
    folder: Path
    script: str
    product: str


@dataclass(frozen=True)
class Project:
    """The steps to a bitstream, in order; ``settings`` is what FINN's driver must know of its DMAs, None without."""

    steps: tuple[Step, ...]
    settings: dict[str, Any] | None


def project(model: Any, geometry: Geometry, build_id: int, board: Board, build: Path, shell: str) -> Project:
    """Run FINN+'s Zynq flow on a lowered model, with our bridge in place of its DMAs if ``shell`` says so.

    Must run inside ``session.finn_session`` of the folder ``build``. Raises ``UserError`` for a
    board that FINN+ does not know, ``ToolError`` where FINN+'s scripts are not as expected.
    """
    _pretend(build / "tools")
    if shell == "dma":
        return _with_dmas(model, board, build)
    return _with_bridge(model, geometry, build_id, board, build)


def _with_bridge(model: Any, geometry: Geometry, build_id: int, board: Board, build: Path) -> Project:
    import finn.transformation.fpgadataflow.make_zynq_proj as finn

    bridge = build / "bridge"
    (bridge / "ip").mkdir(parents=True)
    write_bridge(geometry, build_id, board, bridge)
    original, finn.GenerateInstrumentationIP = finn.GenerateInstrumentationIP, _placed(bridge / "ip")
    try:
        model = model.transform(_zynq_build(board, build, enable_instrumentation=True, instrumentation_no_dma=True))
    finally:
        finn.GenerateInstrumentationIP = original
    partitions = _partitions(model, 1)
    # A soft reset of the bridge must reach the accelerator, as it does in the emulator.
    shell = _shell(model, ((_RESET % "smartconnect_0/aresetn", _RESET % f"{CELL}/accel_rst_n"),))
    package = Step("bridge", VIVADO, bridge, BRIDGE_SCRIPT, _CORE)
    return Project((package, _stitch("stitch", partitions[0]), shell), None)


def _with_dmas(model: Any, board: Board, build: Path) -> Project:
    from finn.transformation.fpgadataflow.make_driver import MakePYNQDriver
    from qonnx.custom_op.registry import getCustomOp

    model = model.transform(_zynq_build(board, build))
    partitions = _partitions(model, 3)
    cores = []
    for name, kernel in (("idma0", partitions[0]), ("odma0", partitions[2])):
        node = kernel.graph.node[0]
        cores.append(Step(f"hls_{name}", HLS, Path(getCustomOp(node).get_nodeattr("code_gen_dir_ipgen")),
                          f"hls_syn_{node.name}.tcl", f"project_{node.name}/sol1/impl/{_CORE}"))
    stitches = [_stitch(name, kernel) for name, kernel in
                zip(("stitch_idma0", "stitch", "stitch_odma0"), partitions, strict=True)]
    steps = (*cores, *stitches, _shell(model, ()))
    model = model.transform(MakePYNQDriver("zynq-iodma", "FINNDMAOverlay", clk_period_ns=1000.0 / board.clock_mhz))
    return Project(steps, json.loads((Path(model.get_metadata_prop("pynq_driver_dir")) / "settings.json").read_text()))


def _zynq_build(board: Board, build: Path, **instrumentation: bool) -> Any:
    from finn.transformation.fpgadataflow.make_zynq_proj import ZynqBuild
    return ZynqBuild(finn_board(board).name, 1000.0 / board.clock_mhz, partition_model_dir=str(build / "partitions"),
                     **instrumentation)


def _partitions(model: Any, count: int) -> list[Any]:
    """The models of FINN+'s partitions, from input to output."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.custom_op.registry import getCustomOp

    found = model.get_nodes_by_op_type("StreamingDataflowPartition")
    if len(found) != count:
        raise ToolError("FINN+ must put the whole policy into one partition, and each of its DMAs into one of its own",
                        f"{len(found)} partitions", "this is a fault of the tool chain: keep the run folder and report "
                        "it")
    return [ModelWrapper(getCustomOp(node).get_nodeattr("model")) for node in found]


def _stitch(name: str, kernel: Any) -> Step:
    return Step(name, VIVADO, Path(kernel.get_metadata_prop("vivado_stitch_proj")), _STITCH_SCRIPT, _CORE)


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
    """Make FINN+ call tools that only leave the files which FINN+ looks for."""
    folder.mkdir()
    for name, text in ((VIVADO, _VIVADO_PRETENCE), (HLS, _HLS_PRETENCE)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    # finn_session restores the environment
    os.environ.update(FINN_TOOL_DIR_OVERRIDE=str(folder), XILINX_VIVADO=f"/Vivado/{supported()[-1]}")


def _shell(model: Any, edits: tuple[tuple[str, str], ...]) -> Step:
    """The shell's script after ``edits``, and two more that any shell needs.

    More jobs, because the cores of the block design are synthesised one by one otherwise, and a report deep enough to
    show every layer.
    """
    folder = Path(model.get_metadata_prop("vivado_pynq_proj"))
    script = folder / SHELL_SCRIPT
    text = script.read_text()
    for old, new in (*edits, ("launch_runs -jobs 1 ", "launch_runs -jobs 4 "),
                     ("-hierarchical_depth 4 ", "-hierarchical_depth 6 ")):
        if text.count(old) != 1:
            raise ToolError(f"FINN+'s shell script must say once `{old.strip()}`", f"{text.count(old)} in {script}",
                            "install finn-plus==1.6.1, or adapt build_flows/bitstream/zynq.py to the new shell")
        text = text.replace(old, new)
    script.write_text(text)
    return Step("shell", VIVADO, folder, SHELL_SCRIPT, _BITFILE)
