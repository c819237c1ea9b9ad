"""The folder that the board's commands work in: a policy and its accelerator, as `quarl package` packs them."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Tuple

if TYPE_CHECKING:
    from quarl.host.policy import Policy

_ROOT = Path(__file__).absolute().parents[3]      # where quarl/ is, the folder of the board's package


def add_folder(parser: argparse.ArgumentParser) -> None:
    """The folder, as the first argument."""
    parser.add_argument("folder", metavar="RUN", type=Path, nargs="?", default=_ROOT,
                        help="a folder with policy/ and accel/ (default: the one that this program is in)")


def read_folder(args: argparse.Namespace) -> Tuple[Policy, Path]:
    """The policy, and the folder of its accelerator. Raises ``UserError`` where there is no policy."""
    from quarl.host import policy
    return policy.read(args.folder / "policy"), args.folder / "accel"
