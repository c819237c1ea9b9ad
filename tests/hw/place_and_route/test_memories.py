"""The memories that nextpnr-xilinx does not place against what they are made of, by Yosys' solver."""
from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from quarl.hw.place_and_route.ps7_top import MEMORIES

# Name: ports of its address (a port a bit, or one of all bits), outputs, bits of the address
KINDS = {"RAM32X1S": (["A%d"], ["O"], 5), "RAM64X1S": (["A%d"], ["O"], 6), "RAM128X1S": (["A%d"], ["O"], 7),
         "RAM256X1S": (["A"], ["O"], 8), "RAM128X1D": (["A", "DPRA"], ["SPO", "DPO"], 7)}
TAKEN = {"RAM32X1D", "RAM64X1D", "LUT2", "LUT3"}
# Every sequence of this many half cycles with any inputs, from the first contents: two writes, and reads after each.
# The changed one has the library's models of its new cells.
PROVE = """
import sys
from pathlib import Path
from pyosys import libyosys as ys
library = f'"{Path(ys.__file__).parent}/share/xilinx/cells_sim.v"'
design = ys.Design()
for command in (f"read_verilog -lib {library}", "read_verilog pair.v", "hierarchy -check -top pair",
                "techmap -map memories.v pair/c:changed",
                "tee -o stat.json stat -json pair", f"read_verilog -overwrite {library}", "hierarchy -check -top pair",
                "proc", "flatten", "memory_map", "clk2fflogic", "opt -full", "sat -verify -prove wrong 0 -seq 4 pair"):
    design.run_pass(command)
"""


def pair(kind: str, inverted: int) -> str:
    """A module with two memories of one content and the same inputs: ``wrong`` where their outputs differ."""
    addresses, outputs, bits = KINDS[kind]
    contents = random.Random(kind).getrandbits(1 << bits)
    pins = [f".{port % bit}({port[:-2].lower()}[{bit}])" if "%" in port else f".{port}({port.lower()})"
            for port in addresses for bit in range(bits if "%" in port else 1)]

    def memory(name: str) -> str:
        found = ", ".join(f".{port}({name}_{port})" for port in outputs)
        return (f"wire {', '.join(f'{name}_{port}' for port in outputs)};\n"
                f"{kind} #(.INIT({1 << bits}'h{contents:x}), .IS_WCLK_INVERTED(1'b{inverted})) {name} "
                f"(.D(d), .WCLK(clk), .WE(we), {', '.join(pins)}, {found});\n")
    wires = f"input [{bits - 1}:0] a{', dpra' if 'DPRA' in addresses else ''}"
    return (f"module pair({wires}, input d, clk, we, output wrong);\n{memory('plain')}{memory('changed')}"
            f"assign wrong = {' || '.join(f'plain_{port} != changed_{port}' for port in outputs)};\nendmodule\n")


def prove(kind: str, inverted: int, memories: str, folder: Path) -> tuple[str, set[str]]:
    """What Yosys says at its end ("" for a proof), and the types of the cells that ``kind`` became."""
    (folder / "pair.v").write_text(pair(kind, inverted))
    (folder / "memories.v").write_text(memories)
    done = subprocess.run([sys.executable, "-c", PROVE], cwd=folder, capture_output=True, text=True, check=False)
    cells = json.loads((folder / "stat.json").read_text())["modules"]["\\pair"]["num_cells_by_type"]
    return done.stderr, {cell for cell, n in cells.items() if not cell.startswith("$") and n > (cell == kind)}


@pytest.mark.parametrize(("kind", "inverted"), [
    ("RAM32X1S", 0), ("RAM64X1S", 1), ("RAM128X1S", 0), ("RAM128X1D", 1), ("RAM256X1S", 0)])
def test_what_a_memory_is_made_of_equals_it(kind: str, inverted: int, tmp_path: Path) -> None:
    error, cells = prove(kind, inverted, MEMORIES.read_text(), tmp_path)
    assert not error and cells and cells <= TAKEN


@pytest.mark.parametrize(("kind", "text", "change"), [
    ("RAM128X1S", "4'h2", "4'h8"), ("RAM128X1S", "8'hCA", "8'hAC"), ("RAM128X1S", "INIT[127:64]", "INIT[63:0]"),
    ("RAM32X1S", ".DPRA4(A4)", ".DPRA4(A3)"),
    ("RAM64X1S", ".IS_WCLK_INVERTED(IS_WCLK_INVERTED)", ".IS_WCLK_INVERTED(~IS_WCLK_INVERTED)")])
def test_a_wrong_memory_is_found(kind: str, text: str, change: str, tmp_path: Path) -> None:
    error, _ = prove(kind, 0, MEMORIES.read_text().replace(text, change), tmp_path)
    assert "proof did fail" in error
