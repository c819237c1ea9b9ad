"""When a layer's outputs come on FINN's engines: exact for a single inference."""
from __future__ import annotations

from typing import Any

import numpy as np

from quarl.build_flows.estimate.shape import NO_LANES, Folding, Shape

# Cycles that FINN's pipeline itself takes, beyond the folded work: FIFOs and queues of a layer, its width converter if
# there is one, what a single pass saves in the replay buffer, what the first layer saves, the stages of the thresholds'
# binary search per bit. Measured on the emulated RTL, and exact for every width and folding that the slow tests build.
LAYER_CYCLES, CONVERTER_CYCLES, SINGLE_PASS_CYCLES, FIRST_LAYER_CYCLES, THRESHOLD_CYCLES_PER_BIT = 9, 3, -2, -2, 2


def done(shape: Shape, folding: Folding, engine: str, first: Any, last: Any, lanes: int) -> Any:
    """The cycle in which the thresholding's first output beat leaves."""
    words, passes = shape.inputs // folding.simd, shape.outputs // folding.pe
    waited = np.maximum(first + words, last + -(-lanes // folding.simd))
    return waited + LAYER_CYCLES + compute_depth(folding, engine) + THRESHOLD_CYCLES_PER_BIT * shape.act_bits \
        + SINGLE_PASS_CYCLES * (passes == 1) + FIRST_LAYER_CYCLES * (lanes == NO_LANES) \
        + CONVERTER_CYCLES * (lanes not in (NO_LANES, folding.simd))


def compute_depth(folding: Folding, engine: str) -> int:
    """Pipeline stages of the multiply-accumulate: fixed for ``lut``, FINN's adder tree for ``dsp`` (its mvu.sv)."""
    return {"lut": 3, "dsp": 4 + (folding.simd - 1).bit_length() + (folding.simd == 1)}[engine]
