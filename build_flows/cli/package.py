"""Pack a run for the board: one archive with the host's code, the policy, the accelerator and an install script.

  quarl build runs/x --target synth
  quarl package runs/x
  scp runs/x/board.tar.gz xilinx@pynq:

and on the board: tar xf board.tar.gz && sh quarl-board/install.sh

The board needs Python 3.8, numpy 1.20 and gcc, which PYNQ 2.7 to 3.1 have; neither torch nor FINN.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from quarl.build_flows.cli.arguments import add_run, run_folder

HELP = "pack a built run for the board"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl package``."""
    add_run(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, help="the archive (default RUN/board.tar.gz)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Pack, and say what is in it and what is missing."""
    from quarl.build_flows.building.ensure_package import ensure_package
    from quarl.build_flows.console import say
    from quarl.build_flows.deploy.board_package import write_package

    folder = run_folder(args)
    ensure_package(folder)
    made = write_package(folder / "policy", folder / "accel", args.out or folder / "board.tar.gz")
    say("%s: %d files, %.0f kB" % (made["archive"], made["files"], made["bytes"] / 1e3))
    for name, use in (("accel.bit", "the devices pynq and finn-dma"), ("accel.hwh", "a bridge at another address"),
                      ("settings.json", "the device finn-dma")):
        if name not in made["accelerator"]:
            say("without %s, which is for %s" % (name, use))
    return {"run": str(folder), **made}
