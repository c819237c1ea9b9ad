"""What a switching cell of a 7-series chip costs: published figures, or what they were turned into, each with a range.

docs/energy.md says where each comes from and how wide its range is. All are estimates; none was measured on a board.
"""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np

BOUNDS = ("low", "nominal", "high")

# pJ for each count of quarl.hw.energy.activity, at VCCINT = 1.0 V: low, nominal, high
FIGURES: Mapping[str, tuple[float, float, float]] = {
    "lut": (0.09, 0.22, 0.45), "memory": (0.09, 0.22, 0.45), "mux": (0.005, 0.02, 0.045), "carry": (0.005, 0.02, 0.045),
    "ff": (0.005, 0.01, 0.03), "route": (0.025, 0.06, 0.115), "operand": (0.4, 0.76, 1.45), "bram18": (4, 8, 16),
    "bram36": (8, 16, 32), "clock": (0.02, 0.027, 0.06)}
# mW that the programmable logic of an XC7Z020 leaks: VCCINT, VCCAUX and VCCBRAM
STATIC_MW = (32.0, 34.0, 210.0)


def dynamic_nj(counts: Mapping[str, float]) -> np.ndarray:
    """Energy of ``counts``, kind -> count, in nJ: low, nominal, high."""
    return sum((count * np.array(FIGURES[kind]) for kind, count in counts.items()), np.zeros(3)) / 1000


def static_nj(cycles: float, clock_mhz: float) -> np.ndarray:
    """What leaks in ``cycles``, in nJ: low, nominal, high."""
    return np.array(STATIC_MW) * cycles / clock_mhz
