"""What to build: the options of a build, checked."""
from __future__ import annotations

import dataclasses

from quarl.build_flows.folding.option import check_fold
from quarl.host.errors import UserError
from quarl.hw import boards
from quarl.hw.engines.mvtu.design import SMALL, Style
from quarl.hw.engines.registry import engine_of

TARGETS = ("emulate", "synth")


@dataclasses.dataclass(frozen=True)
class Options:
    """What to build. Raises :class:`UserError` for a value that does not exist."""

    board: str = "pynq-z2"
    compute: str = "rom"
    target: str = "emulate"
    fold: str = "balanced"
    max_lut_percent: float = 70.0
    style: Style = SMALL
    verify_netlist: bool = False

    def __post_init__(self) -> None:
        check_fold("--fold", self.fold)
        engine = engine_of(self.compute)
        if self.target not in TARGETS:
            raise UserError("--target must be one of " + ", ".join(TARGETS), self.target, "choose one of them")
        board = boards.board(self.board)
        if not 0 < self.max_lut_percent <= 100:
            raise UserError("--max-lut-percent must be above 0 and at most 100", self.max_lut_percent, "pass 70")
        if not engine.styled and self.style != SMALL:
            raise UserError("--timing, --products and --weight-rom choose how engine rom is made",
                            f"--compute {self.compute}", "leave them out, or build with --compute rom")
        if self.verify_netlist and self.target == "emulate":
            raise UserError("--verify-netlist needs a netlist", "--target emulate", "build with --target synth")
        if self.verify_netlist and not board.zynq7:
            raise UserError("--verify-netlist simulates the cells of a Zynq-7000", f"--board {self.board}",
                            "leave it out, or build for pynq-z2")
