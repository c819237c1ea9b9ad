"""The ways of ``quarl build``: each builds and proves the accelerator in the run's accel/; two go on to a bitstream."""
from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quarl.build_flows.cli.build_arguments import options_of
from quarl.build_flows.cli.build_tables import show, show_energy, show_fmax

if TYPE_CHECKING:
    from quarl.build_flows.building.options import Options
    from quarl.build_flows.building.subject import Subject


def _accelerator(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Build the accelerator, and estimate its clock and its energy where that is asked for."""
    from quarl.build_flows.api.building import build_run

    options = dataclasses.replace(options_of(args, args.target, folder), verify_netlist=args.verify_netlist)
    result = build_run(folder, options, args.fmax, args.energy, args.timeout, show)
    if args.fmax:
        show_fmax(result["fmax"])
    if args.energy:
        show_energy(result["energy"])
    return result


def _openxc7(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Build the accelerator with its resources, then its bitstream by open tools."""
    from quarl.build_flows.bitstream.openxc7 import build_openxc7
    from quarl.build_flows.building.flow import build
    from quarl.build_flows.console import say
    from quarl.hw import boards
    from quarl.hw.place_and_route.openxc7 import find_tools

    options = _options(args, folder)
    board = boards.board(options.board)
    tools = find_tools(board)
    result = build(_subject(folder), options, folder / "accel")
    show(result)
    made = build_openxc7(folder / "accel", board, tools, folder / "openxc7")
    say("%s/ps7_top.bit: %d LUT, %d FF, %d DSP; %g MHz, %s"
        % (made["folder"], *(made["total"][kind] for kind in ("lut", "ff", "dsp")), made["clock"]["mhz"],
           made["clock"]["timing"]))
    return {**result, "openxc7": made}


def _vivado(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Build the accelerator with its resources, then its bitstream by Vivado, or the kit that builds one."""
    from quarl.build_flows.bitstream import build as bitstream
    from quarl.build_flows.cli.import_bitstream import show as show_bitstream
    from quarl.build_flows.console import say
    from quarl.hw import boards
    from quarl.hw.vivado.board_files import finn_board

    options = _options(args, folder)
    board = boards.board(options.board)
    finn_board(board)            # it must know the board
    shell = args.shell or bitstream.shell_of(folder)
    if shell != "bridge" and args.shell is None:
        say(f"kept, as in the kit: --shell {shell}")
    wish = bitstream.Wish(shell, args.board_files, args.hlslib)
    vivado = None if args.script_only else bitstream.find_vivado(board, args.vivado, wish, folder)
    what = _subject(folder)
    if vivado is None:
        kit = bitstream.prepare(what, options, folder, wish)
        say(f"Build kit in {kit}. On a machine with Vivado: {shlex.quote(str(kit / 'build.sh'))}; then, here: "
            + shlex.join(["quarl", "import-bitstream", str(folder), str(kit)]))
        return {"kit": str(kit)}
    result = bitstream.build(what, options, folder, wish, vivado, args.timeout)
    show(result)
    show_bitstream(result)
    return result


WAYS: dict[str, Callable[[argparse.Namespace, Path], dict[str, Any]]] = {
    "accelerator": _accelerator, "openxc7": _openxc7, "vivado": _vivado}
"""What :func:`quarl.build_flows.cli.build_arguments.way_of` names; from arguments and run folder to what came of it."""


def _options(args: argparse.Namespace, folder: Path) -> Options:
    """The options of the accelerator that a bitstream is built on, for which the tools are there."""
    from quarl.build_flows.building.flow import check_tools
    options = dataclasses.replace(options_of(args, "synth", folder), verify_netlist=args.verify_netlist)
    check_tools(options, folder)
    return options


def _subject(folder: Path) -> Subject:
    from quarl.build_flows.building import subject
    from quarl.build_flows.console import stage
    with stage("collect observations"):
        return subject.of_run(folder)
