"""When a folded layer's outputs come, given when its inputs do: exact for a single inference, on every engine."""
from __future__ import annotations

from typing import Any

from quarl.build_flows.estimate.models import MODELS
from quarl.build_flows.estimate.shape import Folding, Shape
from quarl.hw.engines.mvtu.design import SMALL, Style

# What the bridge adds to the latency of the bare streams: from the edge that takes the observation's last word to the
# offer of its first beat, and the count of the last edge.
BRIDGE_CYCLES = 3


def follow(shape: Shape, folding: Folding, engine: str, first: Any, last: Any, lanes: int,
           style: Style = SMALL) -> tuple[Any, Any]:
    """Cycles in which the layer's first and last output beats leave, given those in which its inputs come.

    Input beats of ``lanes`` codes come evenly from cycle ``first`` to cycle ``last`` (numbers, or arrays of designs);
    the first layer's come as it asks for them, from ``first`` on
    (:data:`~quarl.build_flows.estimate.shape.NO_LANES`). A layer works on its first output channels while inputs still
    arrive, and keeps the inputs for its other channels.
    """
    done = MODELS[engine].done(shape, folding, first, last, lanes, style)
    return done, done + (shape.outputs // folding.pe - 1) * (shape.inputs // folding.simd)
