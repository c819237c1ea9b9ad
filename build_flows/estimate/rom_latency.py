"""When a layer's outputs come on engine ``rom``: exact for a single inference."""
from __future__ import annotations

from typing import Any

import numpy as np

from quarl.build_flows.estimate import rom
from quarl.build_flows.estimate.shape import NO_LANES, Folding, Shape
from quarl.hw.engines.mvtu.design import Design, Style


def done(shape: Shape, folding: Folding, first: Any, last: Any, lanes: int, style: Style) -> Any:
    """The cycle in which our unit's first output beat leaves: ``depth`` cycles after the last step of its first pass.

    Steps go one a cycle, and those of the first pass wait for their words.
    """
    words = shape.inputs // folding.simd
    if lanes == NO_LANES:
        lanes, last = folding.simd, first + words - 1
    spacing = (last - first) // max(shape.inputs // lanes - 1, 1)
    unit = rom.design(shape, folding, lanes, style)
    if unit.in_lanes != lanes:
        step = _converted(unit, first, spacing, lanes)
    else:      # as beats come evenly, what is waited for is the first word, or the first one of the last beat
        step = np.maximum(first + spacing * (max(folding.simd // lanes, 1) - 1) + words - 1,
                          last + max(lanes // folding.simd, 1) - 1)
    return step + unit.buffered + unit.depth


def _converted(unit: Design, first: Any, spacing: Any, lanes: int) -> Any:
    """The cycle in which the last word leaves FINN's width converter (its vpc.sv).

    It takes a beat in every cycle in which it holds no more than a word, and gives a word in every cycle in which it
    held one before.
    """
    taken: list[Any] = []
    given: list[Any] = []
    for word in range(unit.beats):
        while len(taken) * lanes < (word + 1) * unit.simd:
            gone = -(-len(taken) * lanes // unit.simd) - 1      # words that must have left
            taken.append(np.maximum(first + spacing * len(taken), 1 + np.maximum(
                taken[-1] if taken else -1, given[gone - 1] if gone > 0 else -1)))
        given.append(1 + np.maximum(taken[-1], given[-1] if given else -1))
    return given[-1]
