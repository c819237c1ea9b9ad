"""The compute engines of the matrix-vector unit."""
from __future__ import annotations

from pathlib import Path

_RTL = Path(__file__).parent / "finn" / "rtl"

# Which of FINN's library files an engine replaces: `rom` is our own node and uses none, `dsp` is FINN's packed DSP48
# unit, `lut` the same with its multiplies in LUTs: the streamed engine without DSPs, which `rom` is measured against.
ENGINES: dict[str, dict[str, Path]] = {"rom": {}, "dsp": {}, "lut": {"mvu.sv": _RTL / "mvu_lut.sv"}}
