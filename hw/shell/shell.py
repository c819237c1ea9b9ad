"""The shell: an AXI4-Lite bridge and an accelerator under one top."""
from __future__ import annotations

import shutil
from pathlib import Path

from quarl.host.accelerator.geometry import Geometry
from quarl.host.accelerator.registers import ACTION, OBSERVATION
from quarl.host.errors import UserError
from quarl.host.files import explained, write_bytes

RTL = Path(__file__).with_name("rtl")
BRIDGE_FILES = (RTL / "quarl_registers_pkg.sv", RTL / "axil_port.sv", RTL / "axil_bridge.sv")
SHELL_TOP = "quarl_shell"
BRIDGE_MODULE = "axil_bridge"
BUILD_ID_FILE = "build_id.dat"
_MAX_OBSERVATION = 0xFFFF               # bytes: the GEOMETRY register has 16 bits for each side
_MAX_ACTION = OBSERVATION - ACTION      # bytes: the window of ACTION

AXIL = (
    ("input", "[{aw}-1:0] ", "awaddr"), ("input", "", "awvalid"), ("output", "", "awready"),
    ("input", "[31:0] ", "wdata"), ("input", "[3:0] ", "wstrb"), ("input", "", "wvalid"), ("output", "", "wready"),
    ("output", "[1:0] ", "bresp"), ("output", "", "bvalid"), ("input", "", "bready"),
    ("input", "[{aw}-1:0] ", "araddr"), ("input", "", "arvalid"), ("output", "", "arready"),
    ("output", "[31:0] ", "rdata"), ("output", "[1:0] ", "rresp"), ("output", "", "rvalid"), ("input", "", "rready"),
)


def address_width(geometry: Geometry) -> int:
    """Bits of byte address that the bridge needs: 12 (4 KiB), or more for a large observation."""
    return max(12, (OBSERVATION + geometry.observation.frame_bytes - 1).bit_length())


def write_shell(geometry: Geometry, build_id: int, out: Path, accel: str = "accel") -> list[Path]:
    """Write the bridge's sources, ``quarl_shell.sv`` and ``build_id.dat`` to ``out``; returns the sources.

    ``build_id`` (32 bits) is what the BUILD_ID register reads: a constant in the shell, a file for the emulator.
    The accelerator's own files are not touched. Raises UserError for a bad build id or sizes that the bridge's
    windows do not hold, ToolError when ``out`` cannot be written.
    """
    if not 0 <= build_id < 2**32:
        raise UserError("the build id must be a number of 32 bits", build_id, "use Policy.build_id")
    for name, stream, most in (("observation", geometry.observation, _MAX_OBSERVATION),
                               ("action", geometry.action, _MAX_ACTION)):
        if not 0 < stream.frame_bytes <= most or stream.width % 8:
            raise UserError(f"the bridge takes an {name} of 1 to {most} bytes, in beats of whole bytes",
                            f"{stream.beats} beats of {stream.width} bits", f"use fewer or narrower {name} values")
    write_bytes(out / BUILD_ID_FILE, f"{build_id:08x}\n".encode())
    write_bytes(out / f"{SHELL_TOP}.sv", shell_text(geometry, build_id, accel).encode())
    with explained(out):
        copies = [Path(shutil.copy(file, out)) for file in BRIDGE_FILES]
    return [*copies, out / f"{SHELL_TOP}.sv"]


def shell_text(geometry: Geometry, build_id: int, accel: str = "accel") -> str:
    """The synthesis top: bridge and accelerator, ports ap_clk, ap_rst_n and s_axi_ctrl_*."""
    ports = ["input wire ap_clk", "input wire ap_rst_n"]
    ports += [f"{direction} wire {width.format(aw=address_width(geometry))}s_axi_ctrl_{name}"
              for direction, width, name in AXIL]
    parameters = ", ".join(f".{name}({value})" for name, value in bridge_parameters(geometry).items())
    pins = ["ap_clk(ap_clk)", "ap_rst_n(accel_rst_n)"]
    pins += [f"{port}_{s}({net}_{s})" for port, net in (("s_axis_0", "obs"), ("m_axis_0", "act"))
             for s in ("tdata", "tvalid", "tready")]
    body = [f"wire [{geometry.observation.width - 1}:0] obs_tdata;", f"wire [{geometry.action.width - 1}:0] act_tdata;",
            "wire obs_tvalid, obs_tready, act_tvalid, act_tready, accel_rst_n;",
            f"wire [31:0] build_id = 32'h{build_id:08x};",
            f"axil_bridge #({parameters}) bridge_i (.*);",
            f"{accel} accel_i ({', '.join('.' + pin for pin in pins)});"]
    return "\n".join(["// Generated: the AXI4-Lite bridge around the accelerator", f"module {SHELL_TOP} (",
                      "  " + ",\n  ".join(ports), ");", *("  " + line for line in body), "endmodule", ""])


def bridge_parameters(geometry: Geometry) -> dict[str, int]:
    """Parameters of ``axil_bridge``, which ``emulator_top`` shares."""
    return {"OBS_BYTES": geometry.observation.frame_bytes, "IN_W": geometry.observation.width,
            "ACT_BYTES": geometry.action.frame_bytes, "OUT_W": geometry.action.width, "AW": address_width(geometry)}
