"""Build the accelerator of a run: FINN generates its RTL, Verilator compiles the emulator, and every layer of the
chain is compared on 12,000 observations. One different number fails the build.

  quarl build runs/x --board pynq-z2 --fold min-latency --target synth

What is built is kept: an option that is not given is that of the accelerator in the run, if it holds one, also with
--target bitstream. A line tells what is kept, or what an option changes.

--compute rom        our unit: weights as ROM, matrix, vector and thresholds in one (default)
--compute dsp        FINN's own units, weights streamed, products in DSP48 slices: the reference
--compute lut        the same with products in LUTs

--target emulate   RTL, emulator and parity
--target synth     and Yosys synthesis for the board's chip: LUT, FF, CARRY4, DSP and BRAM, per layer and whole
--verify-netlist   and simulate the synthesised netlist cell by cell: inferences through its bridge, equal or an error
--fmax             and an estimate of the clock with the path that limits it, by open place and route for an ECP5, which
                   is not the board's chip (docs/fmax.md); it takes minutes, --timeout SECONDS at most
--energy           and an estimate of the nJ of an action on an xc7z020, of the toggles of the netlist, simulated, and
                   published figures (docs/energy.md); it takes a minute or more

--target bitstream and Vivado: the design in FINN's Zynq shell, placed, routed, and held to timing and size. Vivado is
                   found by --vivado, XILINX_VIVADO or the PATH. A repeat goes on with the step that failed.
--shell bridge     our AXI4-Lite bridge around it (default); --shell dma: FINN's DMAs, for --device finn-dma of `quarl
                   run`, which need Vitis HLS and finn-hlslib as well
--script-only      leave the build kit in RUN/vivado instead of calling Vivado: take it to any machine that has one,
                   run its build.sh, and bring its results back with `quarl import-bitstream`

--target bitstream --toolchain openxc7
                   a plain top for a Zynq-7000 in RUN/openxc7, placed and routed by openXC7's tools, where they are
                   installed (docs/openxc7.md). Its clock is an estimate. No such bitstream has run on a board yet.

--fold min-area      as few LUTs as possible
--fold balanced      the smallest that answers in under 100 clock cycles, or the fastest that fits (default): fewer bits
                     never take more LUTs
--fold min-latency   as fast as --max-lut-percent of the board's LUTs and its DSPs allow
--fold 100           the smallest that answers within 100 clock cycles
`quarl folding` lists them all, from the smallest to the fastest.

For engine rom:
--timing small       few registers (default)
--timing balanced    shorter ways across large units, for no cycle or few; --timing fast-clock: registers everywhere
--products lut       multiply in LUTs (default); --products dsp: in DSP slices
--weight-rom lut     weights in LUTs (default); --weight-rom block: in block RAM, with --timing fast-clock
"""
from __future__ import annotations

import argparse
from typing import Any

from quarl.build_flows.cli import build_arguments
from quarl.build_flows.cli.arguments import run_folder
from quarl.build_flows.cli.build_ways import WAYS

HELP = "compile to RTL, emulator and parity; --target synth: also resources; --target bitstream: by Vivado"
add_arguments = build_arguments.add_arguments


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Build, and print what came of it."""
    folder = run_folder(args)
    return {"run": str(folder), **WAYS[build_arguments.way_of(args)](args, folder)}
