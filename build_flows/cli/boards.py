"""List the boards that designs can be built for: chip, resources, clock, and the versions of PYNQ that run on them."""
from __future__ import annotations

import argparse
import dataclasses
from typing import Any

HELP = "list the known boards"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``quarl boards`` takes none."""


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Print one line a board, and what there is to know of some."""
    from quarl.build_flows.console import say, table
    from quarl.hw import boards

    known = [boards.board(name) for name in boards.names()]
    table("Boards", ("board", "part", "LUT", "FF", "BRAM36", "URAM", "DSP", "MHz", "PYNQ"),
          [(b.name, b.part, b.lut, b.ff, b.bram36, b.uram, f"{b.dsp} {b.dsp_block}", b.clock_mhz,
            " ".join(b.images) or "none") for b in known])
    for each in known:
        say(f"{each.name}: {each.notes}")
    return {"boards": [dataclasses.asdict(b) for b in known]}
