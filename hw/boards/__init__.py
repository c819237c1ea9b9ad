"""Board descriptions: one YAML file a board, read by :func:`board`. There is one for every Zynq board of FINN+'s.

Images are those that pynq.io offers since PYNQ 4.0.0 (Xilinx/PYNQ, branch gh-pages, index.html; version 2.7 by the
boards.md that was before it); the KV260 gets PYNQ by the install.sh of Xilinx/Kria-PYNQ. Totals were held against the
part table that AMD read from Vivado 2025.2 (tafk7/finn, src/finn/platform/parts.py), which leaves out LUT RAM.
"""
from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from quarl.host.errors import UserError

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Board:
    """What the flows need to know about a board. Resources are the whole chip's."""

    name: str
    part: str
    lut: int                 # six-input look-up tables
    lutram: int              # those of them that can be memory
    ff: int
    bram36: int              # 36 kbit block RAMs
    uram: int                # 288 kbit UltraRAMs
    dsp: int                 # slices
    dsp_block: str           # their generation: DSP48E1 or DSP48E2
    clock_mhz: int           # default clock of the accelerator, a whole number
    crystal_mhz: float       # input clock of the processing system
    images: tuple[str, ...]  # versions of PYNQ's images for it
    notes: str

    @property
    def zynq7(self) -> bool:
        """Whether it is a Zynq-7000; if not, it is a Zynq UltraScale+."""
        return self.part.startswith("xc7z")

    @property
    def family(self) -> str:
        """The chip's family, as Yosys calls it."""
        return "xc7" if self.zynq7 else "xcup"

    @property
    def dsp_width(self) -> int:
        """Bits of a DSP slice's wide operand."""
        return {"DSP48E1": 25, "DSP48E2": 27}[self.dsp_block]


def names() -> tuple[str, ...]:
    """The boards that exist, sorted."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.yaml")))


def our_name(finn: str) -> str:
    """Our name of a board from FINN+'s: ``pynq-z2`` for Pynq-Z2, ``kv260`` for KV260_SOM."""
    return finn.lower().removesuffix("_som")


def board(name: str) -> Board:
    """Read a board's description, by our name or FINN+'s. Raises :class:`UserError` for an unknown one."""
    import yaml

    known, ours = names(), our_name(name)
    if ours not in known:
        near = difflib.get_close_matches(ours, known, 1)
        raise UserError("the board must be a known one", repr(name),
                        (f"write {near[0]}, or " if near else "") + "choose one of: " + ", ".join(known))
    fields = yaml.safe_load((_FOLDER / f"{ours}.yaml").read_text())
    return Board(name=ours, **{**fields, "images": tuple(fields["images"])})
