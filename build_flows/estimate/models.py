"""What is known of a layer on each engine before synthesis: a model an engine."""
from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from quarl.build_flows.estimate import finn, finn_latency, rom, rom_latency
from quarl.build_flows.estimate.shape import Folding, Shape
from quarl.hw.engines.mvtu.design import Style

Counts = dict[str, float]
"""What the structure has, by kinds: look-up tables of each, ``flip-flops``, ``bram36``."""


@dataclasses.dataclass(frozen=True)
class Model:
    """What a layer of a shape and folding takes, by the structure of the engine's RTL.

    ``compute`` counts all that does not depend on the input beats, ``input_side`` what stands in front of the unit
    behind beats of so many codes, and ``parts`` both by the kinds of nodes that make them. ``dsps`` are slices whose
    wide port has so many bits. ``done`` is the cycle of the first output beat, for input beats of ``lanes`` codes that
    come evenly from cycle ``first`` to ``last`` (numbers, or arrays of designs), of the first layer
    (:data:`~quarl.build_flows.estimate.shape.NO_LANES`) as it asks for them.
    """

    compute: Callable[[Shape, Folding, Style], Counts]
    input_side: Callable[[Shape, Folding, int, Style], Counts]
    parts: Callable[[Shape, Folding, int], dict[tuple[str, ...], Counts]]
    dsps: Callable[[Shape, Folding, Style, int], int]
    done: Callable[[Shape, Folding, Any, Any, int, Style], Any]


def _streamed(engine: str) -> Model:
    """FINN's frame, which has no style, around the multiplies of ``engine``."""
    return Model(
        compute=lambda shape, folding, style: finn.compute(shape, folding, engine),
        input_side=lambda shape, folding, lanes, style: finn.input_side(shape, folding, lanes),
        parts=lambda shape, folding, lanes: finn.parts(shape, folding, engine, lanes),
        dsps=lambda shape, folding, style, width: finn.dsps(shape, folding, engine, width),
        done=lambda shape, folding, first, last, lanes, style: finn_latency.done(shape, folding, engine, first, last,
                                                                                 lanes))


MODELS: dict[str, Model] = {
    "rom": Model(rom.compute, rom.input_side, rom.parts, rom.dsps, rom_latency.done),
    "dsp": _streamed("dsp"),
    "lut": _streamed("lut"),
}
