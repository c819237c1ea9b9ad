"""The cells of the chips that Yosys maps to: the resource that each takes, and as what its activity counts.

Sizes of memories are in look-up tables (Xilinx UG474 and UG574, "Distributed RAM" and "SRL").
"""
from __future__ import annotations

from dataclasses import dataclass

from quarl.host.errors import ToolError

RESOURCES = ("lut_logic", "lut_memory", "ff", "carry4", "dsp", "bram36")


@dataclass(frozen=True)
class Cell:
    """What a type of cell is.

    It takes ``count`` of a ``resource`` of :data:`RESOURCES`; None: none of its own, as it is part of a slice's look-up
    tables, or outside the fabric. Its activity is of a ``kind`` of quarl.hw.energy.activity; None: it is in no netlist
    that is simulated.
    """

    resource: str | None = None
    count: float = 1
    kind: str | None = None


_LUT, _FLIP_FLOP = Cell("lut_logic", kind="lut"), Cell("ff", kind="ff")
CELLS = {
    **{f"LUT{inputs}": _LUT for inputs in range(1, 7)}, "LUT6_2": _LUT, "INV": _LUT,
    **{f"FD{reset}E{edge}": _FLIP_FLOP for reset in "RSCP" for edge in ("", "_1")},
    "LDCE": Cell("ff"), "LDPE": Cell("ff"),
    **{name: Cell("lut_memory", tables, "memory") for name, tables in {
        "RAM32X1S": 1, "RAM32X1D": 2, "RAM32M": 4, "RAM64X1S": 1, "RAM64X1D": 2, "RAM64M": 4, "RAM128X1S": 2,
        "RAM128X1D": 4, "RAM256X1S": 4, "RAM256X1D": 8, "RAM512X1S": 8, "SRL16E": 1, "SRLC32E": 1}.items()},
    **{name: Cell("lut_memory", 8) for name in ("RAM32M16", "RAM64M8", "RAM64X8SW", "RAM32X16DR8")},
    "CARRY4": Cell("carry4", kind="carry"), "CARRY8": Cell("carry4", 2),
    "DSP48E1": Cell("dsp", kind="dsp"), "DSP48E2": Cell("dsp"),
    "RAMB36E1": Cell("bram36", kind="bram36"), "RAMB36E2": Cell("bram36"),
    "RAMB18E1": Cell("bram36", 0.5, "bram18"), "RAMB18E2": Cell("bram36", 0.5),
    "MUXF7": Cell(kind="mux"), "MUXF8": Cell(kind="mux"), "MUXF9": Cell(),
    "VCC": Cell(kind="constant"), "GND": Cell(kind="constant"), "BUFG": Cell(), "PS7": Cell(), "$scopeinfo": Cell()}


def resources(cells: dict[str, int]) -> dict[str, float]:
    """Cell type -> count, turned into resources. Raises ToolError for a type that is not known."""
    found: dict[str, float] = dict.fromkeys(("lut", *RESOURCES), 0)
    for name, n in cells.items():
        cell = CELLS.get(name)
        if cell is None:
            raise ToolError("synthesis must map everything to known cells of the chip", f"{n} of type {name}",
                            "add the cell to hw/synthesis/cells.py, or mend the RTL that asks for it")
        if cell.resource is not None:
            found[cell.resource] += n * cell.count
    found["lut"] = found["lut_logic"] + found["lut_memory"]
    return found


def kind_of(name: str) -> str:
    """The kind of the activity of a type of cell. Raises ToolError for one that has none."""
    cell = CELLS.get(name)
    if cell is None or cell.kind is None:
        raise ToolError("the activity of every cell must be of a known kind", name,
                        "add the cell to hw/synthesis/cells.py, or mend the RTL that asks for it")
    return cell.kind
