"""When a matrix-vector-threshold unit does what, from the properties that ``design.Design`` promises."""
from __future__ import annotations

from collections.abc import Sequence

from quarl.hw.engines.mvtu.design import Design


def departures(unit: Design, arrivals: Sequence[int]) -> list[int]:
    """The cycles in which the output beats of one vector leave, given those in which its input beats arrive.

    A word of SIMD codes is there with the beat that completes it, or a cycle later behind a replay buffer. Steps go
    one a cycle; those of the first pass wait for their words.
    """
    words = [arrivals[((word + 1) * unit.simd - 1) // unit.in_lanes] + unit.buffered for word in range(unit.beats)]
    cycle, leaves = -1, []
    for _ in range(unit.passes):
        for word in words:
            cycle = max(cycle + 1, word)
        leaves.append(cycle + unit.depth)
    return leaves


def latency(net: Sequence[Design]) -> list[int]:
    """The same for a chain whose input beats arrive from cycle 0 on, one a cycle."""
    beats = list(range(net[0].inputs // net[0].in_lanes))
    for unit in net:
        beats = departures(unit, beats)
    return beats


def interval(net: Sequence[Design]) -> int:
    """Cycles between two vectors through a chain that is never held up."""
    return max(max(unit.cycles, unit.inputs // unit.in_lanes) for unit in net)
