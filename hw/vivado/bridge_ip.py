"""The AXI4-Lite bridge as an IP core, in the slot that FINN+'s Zynq shell has for its instrumentation."""
from __future__ import annotations

import shutil
from pathlib import Path

from quarl.host.accelerator.geometry import Geometry
from quarl.host.files import explained, write_bytes
from quarl.hw.boards import Board
from quarl.hw.shell.shell import AXIL, BRIDGE_FILES, address_width, bridge_parameters

CELL = "instrumentation_wrap_0"          # what FINN+ calls the instance
MODULE = "instrumentation_wrapper"       # xilinx.com:hls:MODULE:1.0, with the streams finnix (out) and finnox (in)
SCRIPT = "package_bridge.tcl"
_STREAMS = (("finnix", "output", "input", "obs"), ("finnox", "input", "output", "act"))


def write_bridge(geometry: Geometry, build_id: int, board: Board, folder: Path) -> None:
    """Write the bridge's sources and the script that packages them into ``ip/``; it runs inside ``folder``."""
    write_bytes(folder / f"{MODULE}.v", _wrapper(geometry, build_id).encode())
    write_bytes(folder / SCRIPT, _script(geometry, board).encode())
    with explained(folder):
        for file in BRIDGE_FILES:
            shutil.copy(file, folder)


def _wrapper(geometry: Geometry, build_id: int) -> str:
    """The top: plain Verilog, because a packaged core's top may not be SystemVerilog."""
    buses = ":".join(["s_axi_ctrl", *(name for name, *_ in _STREAMS)])
    ports = [_attributes("clock", "ap_clk", "CLK", f"ASSOCIATED_BUSIF {buses}, ASSOCIATED_RESET ap_rst_n")
             + "input wire ap_clk",
             _attributes("reset", "ap_rst_n", "RST", "POLARITY ACTIVE_LOW") + "input wire ap_rst_n",
             _attributes("reset", "accel_rst_n", "RST", "POLARITY ACTIVE_LOW") + "output wire accel_rst_n"]
    ports += [f"{direction} wire {width.format(aw=address_width(geometry))}s_axi_ctrl_{name}"
              for direction, width, name in AXIL]
    pins = ["ap_clk(ap_clk)", "ap_rst_n(ap_rst_n)", "accel_rst_n(accel_rst_n)", f"build_id(32'h{build_id:08x})",
            *(f"s_axi_ctrl_{name}(s_axi_ctrl_{name})" for _, _, name in AXIL)]
    for name, forth, back, net in _STREAMS:
        width = (geometry.observation if net == "obs" else geometry.action).width
        ports += [f"{forth} wire [{width - 1}:0] {name}_tdata", f"{forth} wire {name}_tvalid",
                  f"{back} wire {name}_tready"]
        pins += [f"{net}_{signal}({name}_{signal})" for signal in ("tdata", "tvalid", "tready")]
    parameters = ", ".join(f".{name}({value})" for name, value in bridge_parameters(geometry).items())
    return "\n".join(["// Generated: the AXI4-Lite bridge as the core that FINN+'s shell instantiates",
                      f"module {MODULE} (", "  " + ",\n  ".join(ports), ");",
                      f"  axil_bridge #({parameters}) bridge_i (",
                      "    " + ",\n    ".join("." + pin for pin in pins) + ");", "endmodule", ""])


def _attributes(kind: str, name: str, role: str, parameter: str) -> str:
    return (f'(* X_INTERFACE_INFO = "xilinx.com:signal:{kind}:1.0 {name} {role}" *)\n  '
            f'(* X_INTERFACE_PARAMETER = "{parameter}" *)\n  ')


def _script(geometry: Geometry, board: Board) -> str:
    """The packaging script. The shell asks for an address segment `Reg*`; the packager's own is called reg0."""
    files = " ".join([*(file.name for file in BRIDGE_FILES), f"{MODULE}.v"])
    return f"""# Generated: package the bridge as xilinx.com:hls:{MODULE}:1.0
create_project -force package_bridge ./project -part {board.part}
add_files -norecurse {{{files}}}
set_property top {MODULE} [current_fileset]
update_compile_order -fileset sources_1
ipx::package_project -root_dir ./ip -vendor xilinx.com -library hls -taxonomy /UserIP -module {MODULE} -import_files \
-force
set core [ipx::current_core]
set_property ipi_drc {{ignore_freq_hz true}} $core
set map [ipx::get_memory_maps s_axi_ctrl -of_objects $core]
if {{$map eq ""}} {{ set map [ipx::add_memory_map s_axi_ctrl $core] }}
foreach block [ipx::get_address_blocks -of_objects $map] {{
    ipx::remove_address_block [get_property NAME $block] $map
}}
set block [ipx::add_address_block Reg $map]
set_property range {2 ** address_width(geometry)} $block
set_property slave_memory_map_ref s_axi_ctrl [ipx::get_bus_interfaces s_axi_ctrl -of_objects $core]
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::save_core $core
close_project
"""
