"""Switching activity of a mapped netlist: counters beside its cells, and what they have counted when a simulation ends.

    instrument(folder)                                      # of quarl.hw.synthesis.netlist.write_netlist
    emulator = Emulator(build_emulator(folder, geometry, out), folder); ...; emulator.close()
    take_counts(folder)                                     # instance -> kind -> count

Kinds, and what is counted of each:

    lut, mux, carry, ff, memory    toggles of the outputs of look-up tables, F7 and F8 multiplexers, carry chains,
                                   flip-flops, look-up tables used as memory
    route                          toggles of nets, each times the pins that it reaches through the routing
    operand                        toggles of the bits of DSP48E1 slices' operands
    bram18, bram36                 cycles of enabled ports of block RAMs
    clock                          cycles of clock pins
"""
from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from quarl.host.errors import ToolError
from quarl.host.files import scratch_folder, write_bytes
from quarl.hw.synthesis.cells import kind_of
from quarl.hw.tools.prerequisites import package_folder
from quarl.hw.tools.yosys import run_yosys

KINDS = ("lut", "mux", "carry", "ff", "memory", "route", "operand", "bram18", "bram36", "clock")
_OUTPUTS = ("lut", "mux", "carry", "ff", "memory")      # the kinds of cells whose outputs count
_LEVELS = ("bram18", "bram36", "clock")
_CLOCKS = ("C", "CLK", "WCLK", "CLKARDCLK", "CLKBWRCLK")
_ENABLES = ("ENARDEN", "ENBWREN")
_OPERANDS = ("A", "B", "C", "D")
# Pins with a wire of their own from a neighbour in the slice or column (Xilinx UG474 and UG479)
_DIRECT = {"carry": ("S", "CI", "CYINIT"), "mux": ("I0", "I1"),
           "dsp": ("ACIN", "BCIN", "PCIN", "CARRYCASCIN", "MULTSIGNIN")}
_TO_FLIP_FLOP = ("lut", "mux", "carry")    # what has such a wire to the D of the flip-flop beside it
_MODULE = re.compile(r"module \\?([^\s(]+)")
_LINE = re.compile(r"(\S+)\.count_([a-z0-9]+)_(\d+)_\d+ (\d+)")
_WIDTH = 256      # bits of a counter
_COUNTS = "toggles.txt"
_WORKER = Path(__file__).with_name("netlist_worker.py")
_COUNTER = Path(__file__).parent / "rtl" / "toggle_counter.sv"
Cell = Mapping[str, Any]


def instrument(folder: Path) -> None:
    """Add counters to ``folder/netlist.v``. Raises ToolError from Yosys, or for a cell whose kind is not known."""
    text = (folder / "netlist.v").read_text()
    modules = _read(text)
    lines: list[str] = []
    name = ""
    for line in text.splitlines():
        if match := _MODULE.match(line):
            name = match[1]
        if line == "endmodule":
            lines += _counters(observed(modules[name], modules.keys()))
        lines.append(line)
    write_bytes(folder / "netlist.v", ("\n".join(lines) + "\n").encode())
    write_bytes(folder / "toggle_counter.sv", _COUNTER.read_bytes())


def _read(text: str) -> dict[str, Cell]:
    """The modules of a netlist, as Yosys writes them in JSON."""
    library = package_folder("pyosys") / "share" / "xilinx" / "cells_sim.v"
    with scratch_folder("nets") as scratch:
        write_bytes(scratch / "netlist.v", text.encode())
        run_yosys({"job": "nets", "library": str(library)}, scratch, worker=_WORKER)
        modules = json.loads((scratch / "nets.json").read_text())["modules"]
    return {match[1]: modules[match[1]] for match in map(_MODULE.match, text.splitlines()) if match}


def observed(module: Cell, modules: Collection[str]) -> dict[tuple[str, int], list[str]]:
    """(kind, routed pins of each net) -> the nets that a counter watches, as Verilog, of a module in Yosys' JSON.

    Of kind ``net`` only the routing counts: what drives it counts otherwise, or elsewhere. Instances of ``modules``
    count for themselves. Raises ToolError for a cell whose kind is not known.
    """
    names = _names(module)
    cells = [(kind_of(cell["type"]), cell) for cell in module["cells"].values() if cell["type"] not in modules]
    driver = {bit: "net" for port in module["ports"].values() if port["direction"] == "input" for bit in port["bits"]}
    driver |= {bit: kind if kind in _OUTPUTS else "net" for kind, cell in cells
               for bits in _pins(cell, "output").values() for bit in bits}
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    routed: Counter[Any] = Counter()
    for kind, cell in cells:
        for pin, bits in _pins(cell, "input").items():
            nets = [bit for bit in bits if bit in names]        # the others are constant
            if pin in _CLOCKS:
                found["clock", 0] += ["1'b1"] * len(nets)
            elif pin in _ENABLES:
                found[kind, 0] += [names[bit] for bit in nets] + ["1'b1"] * bits.count("1")
            elif pin not in _DIRECT.get(kind, ()):
                routed.update(bit for bit in nets
                              if not (kind == "ff" and pin == "D" and driver.get(bit) in _TO_FLIP_FLOP))
            if kind == "dsp" and pin in _OPERANDS:
                found["operand", 0] += [names[bit] for bit in nets]
    for bit, kind in driver.items():
        if kind in _OUTPUTS or routed[bit]:
            found[kind, routed[bit]].append(names[bit])
    return found


def _names(module: Cell) -> dict[Any, str]:
    """Number of a net -> one of its names in Verilog."""
    names: dict[Any, str] = {}
    for name, net in module["netnames"].items():
        for index, bit in enumerate(net["bits"], net.get("offset", 0)):
            if isinstance(bit, int):
                names.setdefault(bit, f"\\{name} " + (f"[{index}]" if len(net["bits"]) > 1 else ""))
    return names


def _pins(cell: Cell, direction: str) -> dict[str, list[Any]]:
    return {pin: bits for pin, bits in cell["connections"].items() if cell["port_directions"][pin] == direction}


def _counters(found: Mapping[tuple[str, int], list[str]]) -> Iterator[str]:
    """Instances that watch the nets of a module."""
    for (kind, pins), nets in found.items():
        for start in range(0, len(nets), _WIDTH):
            part = nets[start:start + _WIDTH]
            yield (f"  toggle_counter #(.W({len(part)}), .LEVEL({int(kind in _LEVELS)})) count_{kind}_{pins}_{start} "
                   f"(.clk(ap_clk), .nets({{{', '.join(part)}}}));")


def take_counts(folder: Path) -> dict[str, dict[str, int]]:
    """What the simulation that has ended counted: path of an instance in the emulator -> kind -> count.

    The counts are taken away, so that those of the next simulation stand alone. Raises ToolError if there are none.
    """
    path = folder / _COUNTS
    try:
        text = path.read_text()
        path.unlink()
    except OSError as error:
        raise ToolError("a simulation must leave the counts of its toggles", f"{error.strerror}: {path}",
                        "instrument the netlist before it is compiled, and close the emulator") from error
    counts: dict[str, dict[str, int]] = {}
    for instance, kind, pins, total in _LINE.findall(text):
        kinds = counts.setdefault(instance, dict.fromkeys(KINDS, 0))
        kinds["route"] += int(pins) * int(total)
        if kind in KINDS:
            kinds[kind] += int(total)
    return counts
