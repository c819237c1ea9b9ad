"""Build the accelerator of a run: FINN generates its RTL, Verilator compiles the emulator, and every layer of the
chain is compared on 12,000 observations. One different number fails the build.

  quarl build runs/x --board pynq-z2 --fold min-latency --target synth

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
--fold balanced      the smallest with a product of LUTs and latency near the best (default)
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
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quarl.build_flows.cli.arguments import add_design, add_run, run_folder, style_of
from quarl.host.errors import UserError

if TYPE_CHECKING:
    from quarl.build_flows.building.options import Options

HELP = "compile to RTL, emulator and parity; --target synth: also resources; --target bitstream: by Vivado"
BITSTREAM = "bitstream"
_VIVADO = ("shell", "script_only", "vivado", "board_files", "hlslib", "timeout")      # options that go with it


def add_options(parser: argparse.ArgumentParser, target: str = "emulate", targets: str = "emulate or synth") -> None:
    """The build's options, which ``quarl demo`` shares."""
    add_design(parser)
    parser.add_argument("--target", default=target, help=f"{targets} (default {target})")
    parser.add_argument("--fold", default="balanced", metavar="FOLD",
                        help="min-area, balanced, min-latency, or the cycles an action may take (default balanced)")


def options_of(args: argparse.Namespace) -> Options:
    """The build's options. Raises ``UserError`` for one that does not exist."""
    from quarl.build_flows.building.options import Options
    return Options(args.board, args.compute, args.target, args.fold, args.max_lut_percent, style_of(args))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl build``."""
    add_run(parser)
    add_options(parser, targets=f"emulate, synth or {BITSTREAM}")
    parser.add_argument("--verify-netlist", action="store_true",
                        help="with --target synth: also simulate the synthesised netlist, and compare")
    parser.add_argument("--fmax", action="store_true",
                        help="with --target synth: also an estimate of the clock, on an ECP5, in minutes")
    parser.add_argument("--energy", action="store_true",
                        help="with --target synth: also an estimate of the energy of an action")
    parser.add_argument("--toolchain", help="openxc7, with --target bitstream: open tools, for a Zynq-7000")
    vivado = parser.add_argument_group(f"with --target {BITSTREAM}, by Vivado")
    vivado.add_argument("--shell", help="bridge (default): ours, AXI4-Lite; dma: FINN's, for --device finn-dma")
    vivado.add_argument("--script-only", action="store_true", help="make the build kit RUN/vivado, do not call Vivado")
    vivado.add_argument("--vivado", type=Path, metavar="FOLDER", help="Vivado's folder or program")
    vivado.add_argument("--board-files", type=Path, metavar="FOLDER", help="where the board's files were unpacked")
    vivado.add_argument("--hlslib", type=Path, metavar="FOLDER", help="finn-hlslib, of which the DMAs are made")
    vivado.add_argument("--timeout", type=float, metavar="SECONDS", help="that Vivado, or --fmax, may take")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Build, and print what came of it."""
    from quarl.build_flows.building import subject
    from quarl.build_flows.building.flow import build, check_tools
    from quarl.build_flows.building.options import TARGETS
    from quarl.build_flows.characterise import clock, energy
    from quarl.build_flows.console import stage
    from quarl.hw import boards

    folder = run_folder(args)
    if args.timeout is not None and args.timeout <= 0:
        raise UserError("--timeout must be above 0 seconds", args.timeout, "leave it out, or pass 7200")
    for option in ("fmax", "energy"):
        if getattr(args, option) and args.target != "synth":
            raise UserError(f"--{option} goes with --target synth", f"--target {args.target}",
                            "leave it out, or change the target")
    if args.target == BITSTREAM and args.toolchain is None:
        return _bitstream(args, folder)
    if args.target not in (*TARGETS, BITSTREAM):
        raise UserError("--target must be one of " + ", ".join((*TARGETS, BITSTREAM)), args.target,
                        "choose one of them")
    for option in _VIVADO:
        if getattr(args, option) and not (option == "timeout" and args.fmax):
            raise UserError(f"--{option.replace('_', '-')} goes with --target {BITSTREAM} by Vivado",
                            f"--target {args.target}" + (" --toolchain openxc7" if args.toolchain else ""),
                            "leave it out, or change the target")
    if args.toolchain is not None:
        return _openxc7(args, folder)
    options = dataclasses.replace(options_of(args), verify_netlist=args.verify_netlist)
    check_tools(options, folder)
    if args.fmax:
        clock.check(options.compute, options.style.products)
    if args.energy:
        energy.check(boards.board(options.board))
    with stage("collect observations"):
        what = subject.of_run(folder)
    result = build(what, options, folder / "accel")
    show(result)
    if args.fmax:
        result["fmax"] = clock.estimate(folder / "accel", args.timeout)
        _show_fmax(result["fmax"])
    if args.energy:
        result["energy"] = energy.estimate(what, folder / "accel")
        _show_energy(result["energy"])
    return {"run": str(folder), **result}


def _openxc7(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Build the accelerator with its resources, then its bitstream by open tools."""
    from quarl.build_flows.bitstream.openxc7 import build_openxc7
    from quarl.build_flows.building import subject
    from quarl.build_flows.building.flow import build, check_tools
    from quarl.build_flows.console import say, stage
    from quarl.hw import boards
    from quarl.hw.place_and_route.openxc7 import find_tools

    if args.toolchain != "openxc7":
        raise UserError("--toolchain must be openxc7", args.toolchain, "pass it, or leave the option out")
    if args.target != "bitstream":
        raise UserError("--toolchain goes with --target bitstream", f"--target {args.target}",
                        "leave it out, or change the target")
    args.target = "synth"    # what the bitstream is built on
    options = dataclasses.replace(options_of(args), verify_netlist=args.verify_netlist)
    check_tools(options, folder)
    board = boards.board(options.board)
    tools = find_tools(board)
    with stage("collect observations"):
        what = subject.of_run(folder)
    result = build(what, options, folder / "accel")
    show(result)
    made = build_openxc7(folder / "accel", board, tools, folder / "openxc7")
    say("%s/ps7_top.bit: %d LUT, %d FF, %d DSP; %g MHz, %s"
        % (made["folder"], *(made["total"][kind] for kind in ("lut", "ff", "dsp")), made["clock"]["mhz"],
           made["clock"]["timing"]))
    return {"run": str(folder), **result, "openxc7": made}


def _bitstream(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Build a bitstream, or the kit that builds one."""
    from quarl.build_flows.bitstream import build as bitstream
    from quarl.build_flows.building import subject
    from quarl.build_flows.building.flow import check_tools
    from quarl.build_flows.cli.import_bitstream import show as show_bitstream
    from quarl.build_flows.console import say, stage
    from quarl.hw import boards
    from quarl.hw.vivado.board_files import finn_board

    args.target = "synth"        # what the bitstream is built on
    options = dataclasses.replace(options_of(args), verify_netlist=args.verify_netlist)
    check_tools(options, folder)
    board = boards.board(options.board)
    finn_board(board)            # it must know the board
    wish = bitstream.Wish(args.shell or "bridge", args.board_files, args.hlslib)
    vivado = None if args.script_only else bitstream.find_vivado(board, args.vivado, wish, folder)
    with stage("collect observations"):
        what = subject.of_run(folder)
    if vivado is None:
        kit = bitstream.prepare(what, options, folder, wish)
        say(f"Build kit in {kit}. On a machine with Vivado: {kit}/build.sh; then, here: "
            f"quarl import-bitstream {folder} {kit}")
        return {"run": str(folder), "kit": str(kit)}
    result = bitstream.build(what, options, folder, wish, vivado, args.timeout)
    show(result)
    show_bitstream(result)
    return {"run": str(folder), **result}


def show(result: dict[str, Any]) -> None:
    """Parity, timing and resources as tables."""
    from quarl.build_flows.console import say, table
    from quarl.hw import boards

    parity, timing, synth = result["parity"], result["timing"], result["synth"]
    table("Parity on %d observations" % parity["observations"], ("pair", "values", "mismatches"),
          [(name, f"{pair['values']:,}", pair["mismatches"]) for name, pair in parity["pairs"].items()])
    if netlist := result["netlist"]:
        say("synthesised netlist = integer: %d values of %d inferences, %d mismatches; latency %d cycles"
            % (netlist["values"], netlist["observations"], netlist["mismatches"], netlist["latency_cycles"]))
    say("latency %d cycles behind the bridge (predicted %d), interval %g: %.2f us and %.0f actions/s at %g MHz"
        % (timing["latency_cycles"], timing["predicted_latency_cycles"], timing["interval_cycles"],
           timing["latency_cycles"] / timing["clock_mhz"], 1e6 * timing["clock_mhz"] / timing["interval_cycles"],
           timing["clock_mhz"]))
    if synth is not None:
        kinds = ("lut", "lut_logic", "lut_memory", "ff", "carry4", "dsp", "bram36")
        rows = [(name, *(f"{counts[k]:g}" for k in kinds)) for name, counts in synth["groups"].items()]
        rows.append(("whole", *(f"{synth['total'][k]:g}" for k in kinds)))
        rows.append(("% of " + synth["board"]["name"],
                     *(f"{synth['percent'][k]:.1f}" if k in synth["percent"] else "" for k in kinds)))
        family = boards.board(synth["board"]["name"]).family
        table(f"Resources (Yosys, {family})", ("", *(k.upper().replace("_", " ") for k in kinds)), rows)


def _show_fmax(found: dict[str, Any]) -> None:
    """The clock's estimate, and the path that limits it."""
    from quarl.build_flows.characterise.clock import told
    from quarl.build_flows.console import say, table

    table("Path that limits the clock (%s)" % found["label"], ("", "logic levels", "logic, ns", "routing, ns"),
          [(told(step), step["levels"], step["logic_ns"], step["routing_ns"]) for step in found["path"]])
    say("clock %g MHz: %s, bridge included; it is no figure of the board's chip" % (found["mhz"], found["label"]))


def _show_energy(found: dict[str, Any]) -> None:
    """The estimate of the energy, with its range, and what it is made of."""
    from quarl.build_flows.console import say, table

    def bounds(energy: dict[str, float]) -> tuple[str, ...]:
        return tuple(f"{energy[bound]:.3g}" for bound in ("low", "nominal", "high"))

    rows = [(kind, f"{each['count']:,.0f}", *bounds(each["nj"])) for kind, each in found["kinds"].items()
            if each["count"]]
    rows.append(("leakage", "", *bounds(found["static_nj"])))
    table("Energy of an action, nJ (%s)" % found["label"], ("", "counted", "low", "nominal", "high"), rows)
    low, nominal, high = bounds(found["energy_nj"])
    say("energy %s nJ an action (%s to %s; %s), bridge included, over %g cycles at %g MHz; waiting takes %s mW "
        "(%s to %s)" % (nominal, low, high, found["label"], found["cycles"], found["clock_mhz"],
                        *(bounds(found["idle_mw"])[index] for index in (1, 0, 2))))
