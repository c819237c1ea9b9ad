"""Check what this machine has: a line for each part, pass, warn or fail, with what mends it.

  quarl doctor                                # for a PYNQ-Z2, and runs in this folder
  quarl doctor --board kv260 --json

What training, building and emulating needs must be there, or the exit code is 2. Vivado, openXC7, Docker and the
simulators of some tasks are only warned about. `quarl build` itself checks what its target needs.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

HELP = "check the machine for missing tools"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl doctor``."""
    parser.add_argument("--board", default="pynq-z2", help="board name, see `quarl boards` (default pynq-z2)")
    parser.add_argument("--vivado", type=Path, metavar="FOLDER", help="Vivado's folder or program, as for quarl build")
    parser.add_argument("--board-files", type=Path, metavar="FOLDER", help="where the board's files were unpacked")
    parser.add_argument("--hlslib", type=Path, metavar="FOLDER", help="finn-hlslib, of which FINN's DMA shell is made")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Print a line for each part. Raises what the first that fails raised, after all lines."""
    from quarl.build_flows.building.artefacts import TOOLS
    from quarl.build_flows.console import say
    from quarl.build_flows.doctor import FAIL, WARN, examine
    from quarl.host.console import print_json
    from quarl.host.versions import versions
    from quarl.hw import boards
    from quarl.hw.tools.cache import cache_folder

    lines = []
    for line in examine(boards.board(args.board), Path.cwd(), args.vivado, args.board_files, args.hlslib):
        lines.append(line)
        say("%s  %-15s  %s" % (line.status, line.name, line.found))
        if line.fix:
            say("%21s  fix: %s" % ("", line.fix))
    failed, warned = ([line for line in lines if line.status == status] for status in (FAIL, WARN))
    say("%d failed, %d warnings; cache in %s" % (len(failed), len(warned), cache_folder("", "")))
    result = {"ready": not failed, "board": args.board, "versions": versions(TOOLS),
              "checks": [{"name": line.name, "status": line.status, "found": line.found, "fix": line.fix}
                         for line in lines]}
    errors = [line.error for line in failed if line.error]
    if errors:
        if args.json:       # who reads that wants to know all of it
            print_json(result)
        raise errors[0]
    return result
