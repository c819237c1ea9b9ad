"""The compute engines of the matrix-vector unit."""
from __future__ import annotations

from pathlib import Path

_RTL = Path(__file__).with_name("rtl")

# Which of FINN's library files an engine replaces: `dsp` is FINN's own packed DSP48 unit, `lut` multiplies in LUTs.
ENGINES: dict[str, dict[str, Path]] = {"dsp": {}, "lut": {"mvu.sv": _RTL / "mvu_lut.sv"}}
