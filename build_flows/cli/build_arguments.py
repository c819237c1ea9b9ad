"""The arguments of ``quarl build``: what they are, which go together, and the way that they ask for."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from quarl.build_flows.cli.arguments import add_design, add_run
from quarl.host.errors import UserError

if TYPE_CHECKING:
    from quarl.build_flows.building.options import Options

BITSTREAM = "bitstream"
_VIVADO = ("shell", "script_only", "vivado", "board_files", "hlslib", "timeout")      # options that go with it


def add_options(parser: argparse.ArgumentParser, target: str = "emulate", targets: str = "emulate or synth") -> None:
    """The build's options, which ``quarl demo`` shares."""
    add_design(parser, keeps=True)
    parser.add_argument("--target", default=target, help=f"{targets} (default {target})")
    parser.add_argument("--fold", metavar="FOLD", help="min-area, balanced, min-latency, or the cycles an action may "
                        "take (default as built, else balanced)")


def options_of(args: argparse.Namespace, target: str, run: Path) -> Options:
    """The build's options, for a ``target`` of its own: those of what ``run`` holds, but for those that are given.

    A line tells what is kept, or what changes. Raises ``UserError`` for an option that does not exist.
    """
    from quarl.build_flows.building import kept
    from quarl.build_flows.console import say
    asked = {name: getattr(args, name) for name in kept.USUAL if getattr(args, name) is not None}
    options, line = kept.options(run / "accel", asked, target)
    if line:
        say(line)
    return options


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


def way_of(args: argparse.Namespace) -> str:
    """The way of ``build_ways.WAYS`` that the arguments ask for: ``accelerator``, ``vivado`` or
    ``openxc7``. Raises ``UserError`` for arguments that do not go together."""
    from quarl.build_flows.api.building import check_estimates
    from quarl.build_flows.building.options import TARGETS

    check_estimates(args.target, args.fmax, args.energy, args.timeout)
    if args.target == BITSTREAM and args.toolchain is None:
        return "vivado"
    if args.target not in (*TARGETS, BITSTREAM):
        raise UserError("--target must be one of " + ", ".join((*TARGETS, BITSTREAM)), args.target,
                        "choose one of them")
    for option in _VIVADO:
        if getattr(args, option) and not (option == "timeout" and args.fmax):
            raise UserError(f"--{option.replace('_', '-')} goes with --target {BITSTREAM} by Vivado",
                            f"--target {args.target}" + (" --toolchain openxc7" if args.toolchain else ""),
                            "leave it out, or change the target")
    if args.toolchain is None:
        return "accelerator"
    if args.toolchain != "openxc7":
        raise UserError("--toolchain must be openxc7", args.toolchain, "pass it, or leave the option out")
    if args.target != BITSTREAM:
        raise UserError(f"--toolchain goes with --target {BITSTREAM}", f"--target {args.target}",
                        "leave it out, or change the target")
    return "openxc7"
