"""Arguments that several commands share."""
from __future__ import annotations

import argparse
from pathlib import Path

from host.errors import UserError


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
