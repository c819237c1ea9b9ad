"""Arguments that several commands share."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from quarl.host.errors import UserError
from quarl.hw.engines.registry import ENGINES

if TYPE_CHECKING:
    from quarl.hw.engines.mvtu.design import Style


def add_run(parser: argparse.ArgumentParser) -> None:
    """The run folder, as the first argument."""
    parser.add_argument("folder", metavar="RUN", type=Path, help="the run folder, for example runs/x")


def run_folder(args: argparse.Namespace) -> Path:
    """The run folder of ``args``. Raises :class:`UserError` where it is none."""
    folder = Path(args.folder)
    if not (folder / "config.yaml").is_file():
        raise UserError("RUN must be a run folder with a config.yaml", folder,
                        f"make one with `quarl train --task CartPole-v1 --out {folder}`")
    return folder


def widths(text: str) -> int | tuple[int, ...]:
    """Bits of all layers, as in ``4``, or of their parts, as in ``8,4,8``."""
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of bits nor numbers as in 8,4,8") from None
    return found if len(found) > 1 else found[0]


def add_bits(parser: argparse.ArgumentParser, usual: int) -> None:
    """Bit widths of a quantised policy; ``usual`` ones of weights and activations."""
    parser.add_argument("--weight-bits", type=widths, default=usual, metavar="BITS", help="of every weight, 2 to 8, or "
                        "of the first, the core and the last layer, as in 8,4,8 (default %(default)s)")
    parser.add_argument("--act-bits", type=widths, default=usual, metavar="BITS", help="of hidden activations, 2 to 8, "
                        "or of the first layer and the core, as in 8,4 (default %(default)s)")
    parser.add_argument("--input-bits", type=int, default=8, metavar="BITS",
                        help="of the encoded observation, 2 to 8 (default %(default)s)")
    parser.add_argument("--per-channel", action="store_true", help="one weight scale a channel, not one a layer")


def add_design(parser: argparse.ArgumentParser) -> None:
    """What a design is made for, and how its layers compute."""
    parser.add_argument("--board", default="pynq-z2", help="board name, see `quarl boards` (default pynq-z2)")
    parser.add_argument("--compute", default="rom", help=f"engine: {', '.join(ENGINES)} (default rom)")
    parser.add_argument("--max-lut-percent", type=float, default=70.0,
                        help="share of the board's LUTs that the design may take (default 70)")
    parser.add_argument("--timing", default="small", help="engine rom: small, balanced or fast-clock (default small)")
    parser.add_argument("--products", default="lut", help="engine rom: lut or dsp (default lut)")
    parser.add_argument("--weight-rom", default="lut", help="engine rom: lut or block (default lut)")


def style_of(args: argparse.Namespace) -> Style:
    """How units of engine rom are made. Raises :class:`UserError` for a style that does not exist."""
    from quarl.hw.engines.mvtu.design import Style
    return Style(args.timing, args.products, args.weight_rom)
