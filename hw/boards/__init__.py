"""Board descriptions: one YAML file a board, read by :func:`board`."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from host.errors import UserError

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Board:
    """What the flows need to know about a board. Resources are the whole chip's."""

    name: str
    part: str
    lut: int             # six-input look-up tables
    lutram: int          # those of them that can be memory
    ff: int
    bram36: int          # 36 kbit block RAMs
    dsp: int             # DSP48E1 slices
    clock_mhz: int       # default clock of the accelerator, a whole number
    crystal_mhz: float   # input clock of the processing system


def names() -> tuple[str, ...]:
    """The boards that exist, sorted."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.yaml")))


def board(name: str) -> Board:
    """Read a board's description. Raises :class:`UserError` for an unknown name."""
    import yaml

    if name not in names():
        raise UserError("the board must be a known one", repr(name), "choose one of: " + ", ".join(names()))
    return Board(name=name, **yaml.safe_load((_FOLDER / f"{name}.yaml").read_text()))
