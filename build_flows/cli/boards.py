"""List the boards that designs can be built for, with their resources."""
from __future__ import annotations

import argparse
import dataclasses
from typing import Any

HELP = "list the known boards"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``quarl boards`` takes none."""


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Print one line a board."""
    from build_flows.console import table
    from hw import boards

    known = [boards.board(name) for name in boards.names()]
    table("Boards", ("board", "part", "LUT", "FF", "DSP", "BRAM36", "clock MHz"),
          [(b.name, b.part, b.lut, b.ff, b.dsp, b.bram36, b.clock_mhz) for b in known])
    return {"boards": [dataclasses.asdict(b) for b in known]}
