"""What Yosys' job ``place`` makes of single cells."""
from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from quarl.hw.place_and_route.ps7_top import MEMORIES, TABLES
from quarl.hw.tools.yosys import run_yosys

# Two slices, the upper one with the carry of the lower; and memories of one port
SOURCE = """
module tiny (input clk, we, input [6:0] a, input [24:0] x, y, output [47:0] p, q, output [2:0] o);
	wire  carry, sign;
	DSP48E1 lower (.CLK(clk), .A({5'b0, x}), .B(x[17:0]), .C(48'b0), .CARRYCASCIN(1'b0), .MULTSIGNIN(1'b0),
		.OPMODE(7'b0000101), .ALUMODE(4'b0), .CARRYINSEL(3'b0), .P(p), .CARRYCASCOUT(carry), .MULTSIGNOUT(sign));
	DSP48E1 upper (.CLK(clk), .A({5'b0, y}), .B(y[17:0]), .C(48'b0), .CARRYCASCIN(carry), .MULTSIGNIN(sign),
		.OPMODE(7'b1001000), .ALUMODE(4'b0), .CARRYINSEL(3'b010), .P(q));
	RAM32X1S ram32 (.WCLK(clk), .WE(we), .D(x[0]), .O(o[0]),
		.A0(a[0]), .A1(a[1]), .A2(a[2]), .A3(a[3]), .A4(a[4]));
	RAM64X1S ram64 (.WCLK(clk), .WE(we), .D(x[1]), .O(o[1]),
		.A0(a[0]), .A1(a[1]), .A2(a[2]), .A3(a[3]), .A4(a[4]), .A5(a[5]));
	RAM128X1S ram128 (.WCLK(clk), .WE(we), .D(x[2]), .O(o[2]),
		.A0(a[0]), .A1(a[1]), .A2(a[2]), .A3(a[3]), .A4(a[4]), .A5(a[5]), .A6(a[6]));
endmodule : tiny
"""


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, int], Any]:
    """Cells by type as counted, and the netlist's module."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "tiny.sv").write_text(SOURCE)
    for file in (MEMORIES, TABLES):
        shutil.copy(file, folder)
    cells = run_yosys({"job": "place", "top": "tiny", "files": ["tiny.sv"], "keep": ["tiny"], "infer_dsp": False,
                       "primitives": ["RAM32X1S", "RAM64X1S", "RAM128X1S"],
                       "memories": MEMORIES.name, "tables": TABLES.name}, folder)
    return cells, json.loads((folder / "tiny.json").read_text())["modules"]["tiny"]


def test_a_cascade_is_open_or_between_slices(placed: tuple[dict[str, int], Any]) -> None:
    lower, upper = (placed[1]["cells"][name]["connections"] for name in ("lower", "upper"))
    for port, source in (("CARRYCASCIN", "CARRYCASCOUT"), ("MULTSIGNIN", "MULTSIGNOUT")):
        assert port not in lower and upper[port] == lower[source]
    assert lower["CARRYINSEL"] == ["0"] * 3, "what selects the carry stays"


def test_a_memory_has_two_ports_and_is_counted_so(placed: tuple[dict[str, int], Any]) -> None:
    cells, module = placed
    memories = [cell for cell in module["cells"].values() if cell["type"].startswith("RAM")]
    assert sorted(cell["type"] for cell in memories) == ["RAM32X1D"] + 3 * ["RAM64X1D"]
    assert cells == {"DSP48E1": 2, "RAM32X1D": 1, "RAM64X1D": 3, "LUT2": 2, "LUT3": 1}
    for wires in (cell["connections"] for cell in memories):
        assert "SPO" not in wires and all(wires[name] == wires["DPR" + name] for name in wires if name[0] == "A")
