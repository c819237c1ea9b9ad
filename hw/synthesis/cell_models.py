"""Simulation models of the chip's cells, from Yosys' own library, so that a mapped netlist can be simulated."""
from __future__ import annotations

import re
from collections.abc import Iterable

from quarl.host.errors import ToolError
from quarl.hw.tools.prerequisites import package_folder

_MODULE = re.compile(r"^module (\w+)\b.*?^endmodule", re.MULTILINE | re.DOTALL)
_SPECIFY = re.compile(r"^ *specify\b.*?^ *endspecify", re.MULTILINE | re.DOTALL)

# Yosys knows the ports of block RAMs, not what they do. This is for a memory that is only read. An address counts
# bits of data; parity bits, one for eight, lie in an array of their own (Xilinx UG473). A simple dual port of full
# width reads its upper half through port B.
_BLOCK_RAMS = {"RAMB18E1": (0x40, 0x8), "RAMB36E1": (0x80, 0x10)}
_READ_ONLY = """
    localparam [256*{inits}-1:0] DATA = {{{data}}};
    localparam [256*{parities}-1:0] PARITY = {{{parity}}};
    wire [31:0] at_a = ADDRARDADDR[{address}:0] & ~((READ_WIDTH_A < 9 ? READ_WIDTH_A : READ_WIDTH_A / 9 * 8) - 1);
    wire [31:0] at_b = ADDRBWRADDR[{address}:0] & ~((READ_WIDTH_B < 9 ? READ_WIDTH_B : READ_WIDTH_B / 9 * 8) - 1);
    localparam HALF = $bits(DOADO);
    localparam WIDE = READ_WIDTH_A > HALF + HALF / 8;
    reg [2*HALF-1:0] data_a, data_b;
    reg [HALF/4-1:0] parity_a, parity_b;
    always @(posedge CLKARDCLK) if (ENARDEN) begin
        data_a <= DATA[at_a +: 2*HALF];
        parity_a <= PARITY[at_a/8 +: HALF/4];
    end
    always @(posedge CLKBWRCLK) if (ENBWREN) begin
        data_b <= DATA[at_b +: 2*HALF];
        parity_b <= PARITY[at_b/8 +: HALF/4];
    end
    assign DOADO = data_a[HALF-1:0];
    assign DOPADOP = parity_a[HALF/8-1:0];
    assign DOBDO = WIDE ? data_a[2*HALF-1:HALF] : data_b[HALF-1:0];
    assign DOPBDOP = WIDE ? parity_a[HALF/4-1:HALF/8] : parity_b[HALF/8-1:0];
    always @(posedge CLKARDCLK or posedge CLKBWRCLK)
        if (WEA != 0 || WEBWE != 0 || RSTRAMARSTRAM || RSTRAMB || DOA_REG || DOB_REG)
            $fatal(1, "only block RAMs that are just read are modelled");
endmodule"""


def cell_models(types: Iterable[str]) -> str:
    """Verilog with a module for each of the cell ``types``. Raises ToolError for one that has no model."""
    library = (package_folder("pyosys") / "share" / "xilinx" / "cells_sim.v").read_text()
    modules = {match[1]: match[0] for match in _MODULE.finditer(library)}
    if unknown := set(types) - modules.keys():
        raise ToolError("every cell of the netlist must have a simulation model", ", ".join(sorted(unknown)),
                        "mend the RTL that asks for these cells")
    # Delays mean nothing here, and the simulator only warns of them.
    return "\n\n".join(_with_contents(name, _SPECIFY.sub("", modules[name])) for name in sorted(types)) + "\n"


def _with_contents(name: str, module: str) -> str:
    """The module, a block RAM's with the behaviour that the library leaves out."""
    if name not in _BLOCK_RAMS:
        return module
    inits, parities = _BLOCK_RAMS[name]
    contents = _READ_ONLY.format(inits=inits, parities=parities, address=(256 * inits - 1).bit_length() - 1,
                                 data=", ".join(f"INIT_{i:02X}" for i in reversed(range(inits))),
                                 parity=", ".join(f"INITP_{i:02X}" for i in reversed(range(parities))))
    return module.removesuffix("\nendmodule") + contents
