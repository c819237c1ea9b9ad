"""The emulator refuses an accelerator that takes back or changes a beat before it is taken."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.devices.emulator import Emulator
from quarl.host.errors import ToolError
from quarl.hw.emulation.emulator import build_emulator
from quarl.hw.shell.shell import write_shell
from quarl.hw.stitching.nodes import Node, Port
from quarl.hw.stitching.stitch import stitch

BYTE = Stream(1, 1, 8, 8)
# Passes beats on, but takes a 1 back that has to wait, and counts a 2 up while it waits.
LIAR = """
module liar (
	input ap_clk, input ap_rst_n,
	input [7:0] in0_V_TDATA, input in0_V_TVALID, output in0_V_TREADY,
	output [7:0] out0_V_TDATA, output out0_V_TVALID, input out0_V_TREADY
);
	reg [7:0] waited;
	wire shown = in0_V_TVALID && !(in0_V_TDATA == 1 && waited[0]);
	assign out0_V_TVALID = shown;
	assign out0_V_TDATA = in0_V_TDATA + (in0_V_TDATA == 2? waited : 8'd0);
	assign in0_V_TREADY = shown && out0_V_TREADY;
	always @(posedge ap_clk) waited <= ap_rst_n && in0_V_TVALID && !in0_V_TREADY? waited + 8'd1 : 8'd0;
endmodule
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("liar")
    (place / "liar.v").write_text(LIAR)
    node = Node("liar", [f"add_files -norecurse {place}/liar.v", "create_bd_cell -type module -reference liar liar"],
                [Port("in0_V", 8)], [Port("out0_V", 8)])
    stitch([node], place / "rtl")
    geometry = Geometry(BYTE, BYTE)
    write_shell(geometry, 0, place / "rtl")
    return build_emulator(place / "rtl", geometry, place), place / "rtl"


@pytest.mark.parametrize(("sent", "honest"), [(1, False), (2, False), (3, True)])
def test_a_beat_stays_until_it_is_taken(built: tuple[Path, Path], sent: int, honest: bool) -> None:
    emulator = Emulator(*built)
    beats = np.full((20, 1), sent, np.uint8)
    np.testing.assert_array_equal(emulator.stream(beats, 20, 1, 1000)[0], beats, "nothing has to wait")
    emulator.stall(0, 0.5, 1)
    if honest:
        np.testing.assert_array_equal(emulator.stream(beats, 20, 1, 1000)[0], beats)
    else:
        with pytest.raises(ToolError, match="accelerator_output_i: a beat changed before it was taken"):
            emulator.stream(beats, 20, 1, 1000)
    emulator.close()
