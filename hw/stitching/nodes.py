"""Plain data about a netlist: what goes into the stitcher and what comes out of it."""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Port:
    """An AXI-Stream interface of a node: its name without suffix, and the width of TDATA in bits."""

    name: str
    width: int


@dataclass(frozen=True)
class Node:
    """One stage of the pipeline, as a generator (FINN) describes it.

    ``commands`` are block-design Tcl commands. Pins are named relative to the node.
    """

    name: str
    commands: list[str]
    inputs: list[Port]
    outputs: list[Port]
    clocks: list[str] = field(default_factory=lambda: ["ap_clk"])
    resets: list[str] = field(default_factory=lambda: ["ap_rst_n"])


@dataclass(frozen=True)
class Netlist:
    """A stitched accelerator: a relocatable folder of sources and memory images."""

    top: str
    files: list[Path]                  # in compilation order, packages first, the top last
    in_width: int                      # of s_axis_0_tdata, bits
    out_width: int                     # of m_axis_0_tdata, bits
    instances: dict[str, list[str]]    # node -> the modules that its wrapper instantiates
