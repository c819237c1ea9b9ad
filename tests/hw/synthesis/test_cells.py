"""The table of cells: what counts as what resource, and as what activity."""
from __future__ import annotations

import pytest

from quarl.host.errors import ToolError
from quarl.hw.energy.activity import KINDS
from quarl.hw.synthesis.cells import CELLS, RESOURCES, kind_of, resources


def test_what_counts_as_what() -> None:
    found = resources({"LUT1": 1, "LUT6": 2, "LUT6_2": 4, "INV": 8, "RAM32M": 1, "RAM64M": 1, "RAM128X1D": 1,
                       "RAM128X1S": 1, "RAM64X1D": 1, "SRL16E": 3, "SRLC32E": 5, "FDRE": 7, "FDSE": 1, "FDCE": 1,
                       "CARRY4": 9, "DSP48E1": 2, "RAMB18E1": 3, "RAMB36E1": 1, "MUXF7": 6, "$scopeinfo": 9})
    assert found == {"lut_logic": 15, "lut_memory": 4 + 4 + 4 + 2 + 2 + 3 + 5, "lut": 39, "ff": 9, "carry4": 9,
                     "dsp": 2, "bram36": 2.5}


def test_what_counts_as_what_on_ultrascale() -> None:
    found = resources({"LUT6": 1, "RAM32M16": 1, "RAM64M8": 1, "RAM512X1S": 1, "FDRE": 2, "CARRY8": 3, "DSP48E2": 2,
                       "RAMB18E2": 1, "RAMB36E2": 1, "MUXF9": 6})
    assert found == {"lut_logic": 1, "lut_memory": 24, "lut": 25, "ff": 2, "carry4": 6, "dsp": 2, "bram36": 1.5}


def test_an_unknown_cell() -> None:
    with pytest.raises(ToolError, match=r"found 2 of type \$mul"):
        resources({"$mul": 2})


@pytest.mark.parametrize(("kind", "cells"), [
    ("lut", ("LUT1", "LUT6", "LUT6_2", "INV")), ("mux", ("MUXF7", "MUXF8")), ("carry", ("CARRY4",)),
    ("ff", ("FDRE", "FDSE_1", "FDCE", "FDPE")), ("memory", ("RAM32M", "RAM64M", "RAM128X1D", "SRL16E", "SRLC32E")),
    ("dsp", ("DSP48E1",)), ("bram18", ("RAMB18E1",)), ("bram36", ("RAMB36E1",)), ("constant", ("VCC", "GND"))])
def test_what_toggles_as_what(kind: str, cells: tuple[str, ...]) -> None:
    assert {kind_of(cell) for cell in cells} == {kind}


@pytest.mark.parametrize("cell", ["MAGIC", "LUT7", "DSP48E2", "PS7", "LDCE"])
def test_a_cell_of_no_known_kind(cell: str) -> None:
    with pytest.raises(ToolError, match=rf"^the activity of every cell must be .* kind, found {cell}\. Fix: add the"):
        kind_of(cell)


def test_the_table_is_of_one_language() -> None:
    """What names a resource or a kind names one that exists: those of DSP slices count as their operands'."""
    assert {cell.resource for cell in CELLS.values()} == {None, *RESOURCES}
    assert {cell.kind for cell in CELLS.values()} - {None, "dsp", "constant"} < set(KINDS), "kinds that have a price"
