"""When a folded layer's outputs come, given when its inputs do: exact for a single inference, on every engine."""
from __future__ import annotations

from typing import Any

import numpy as np

from quarl.build_flows.estimate import rom
from quarl.build_flows.estimate.shape import NO_LANES, Folding, Shape
from quarl.hw.engines.mvtu.design import SMALL, Design, Style

# What the bridge adds to the latency of the bare streams: from the edge that takes the observation's last word to the
# offer of its first beat, and the count of the last edge.
BRIDGE_CYCLES = 3
# Cycles that FINN's pipeline itself takes, beyond the folded work: FIFOs and queues of a layer, its width converter if
# there is one, what a single pass saves in the replay buffer, what the first layer saves, the stages of the thresholds'
# binary search per bit. Measured on the emulated RTL, and exact for every width and folding that the slow tests build.
LAYER_CYCLES, CONVERTER_CYCLES, SINGLE_PASS_CYCLES, FIRST_LAYER_CYCLES, THRESHOLD_CYCLES_PER_BIT = 9, 3, -2, -2, 2


def follow(shape: Shape, folding: Folding, engine: str, first: Any, last: Any, lanes: int,
           style: Style = SMALL) -> tuple[Any, Any]:
    """Cycles in which the layer's first and last output beats leave, given those in which its inputs come.

    Input beats of ``lanes`` codes come evenly from cycle ``first`` to cycle ``last`` (numbers, or arrays of designs);
    the first layer's come as it asks for them, from ``first`` on (:data:`NO_LANES`). A layer works on its first output
    channels while inputs still arrive, and keeps the inputs for its other channels.
    """
    words, passes = shape.inputs // folding.simd, shape.outputs // folding.pe
    if engine == "rom":
        done = _unit(shape, folding, first, last, lanes, style)
    else:
        waited = np.maximum(first + words, last + -(-lanes // folding.simd))
        done = waited + LAYER_CYCLES + compute_depth(folding, engine) + THRESHOLD_CYCLES_PER_BIT * shape.act_bits \
            + SINGLE_PASS_CYCLES * (passes == 1) + FIRST_LAYER_CYCLES * (lanes == NO_LANES) \
            + CONVERTER_CYCLES * (lanes not in (NO_LANES, folding.simd))
    return done, done + (passes - 1) * words


def compute_depth(folding: Folding, engine: str) -> int:
    """Pipeline stages of the multiply-accumulate: fixed for ``lut``, FINN's adder tree for ``dsp`` (its mvu.sv)."""
    if engine == "lut":
        return 3
    return 4 + (folding.simd - 1).bit_length() + (folding.simd == 1)


def _unit(shape: Shape, folding: Folding, first: Any, last: Any, lanes: int, style: Style) -> Any:
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
