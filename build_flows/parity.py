"""Bit-exactness of the whole chain: torch actor, integer reference, FINN's execution and the RTL, on one set of inputs.

The integer reference is what the others are held to. One different number fails, with its layer, channel and input.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from host import codec, integer
from host.devices.emulator import Emulator
from host.errors import MismatchError
from host.geometry import Geometry
from host.policy import Policy

Trace = Sequence[np.ndarray]
"""Per layer accumulators and codes in turn, each [N, out]; the last layer has accumulators alone."""


@dataclasses.dataclass(frozen=True)
class Timing:
    """What the RTL showed while it was compared: cycles from first input beat to last output, and between outputs."""

    latency: int
    interval: float


def reference(policy: Policy, codes: np.ndarray) -> list[np.ndarray]:
    """The integer reference's :data:`Trace` of input codes [N, features]."""
    return [array for step in integer.trace(policy, codes) for array in step if array is not None]


def compare(name: str, expected: Trace, found: Trace, codes: np.ndarray) -> dict[str, Any]:
    """Hold ``found`` to ``expected``: ``{"values": compared, "mismatches": 0}``.

    Raises :class:`MismatchError` naming layer, channel, input and both values of the first difference.
    """
    for index, (want, have) in enumerate(zip(expected, found, strict=True)):
        different = np.argwhere(want != have)
        if len(different):
            row, channel = different[0]
            kind = ("accumulator", "code")[index % 2]
            raise MismatchError(
                "%s must equal the integer reference: layer %d, channel %d, input codes %s: %s %d"
                % (name, index // 2, channel, codes[row].tolist(), kind, want[row, channel]),
                "%d (%d of %d values differ)" % (have[row, channel], len(different), want.size),
                "this is a fault of the tool chain: keep the run folder and report it")
    return {"values": int(sum(array.size for array in expected)), "mismatches": 0}


def stream(emulator: Emulator, geometry: Geometry, codes: np.ndarray) -> tuple[np.ndarray, Timing]:
    """Stream input codes [N, features] back to back through the emulated RTL: accumulators int32 [N, out], timing."""
    observation, action = geometry.observation, geometry.action
    beats = observation.pack(codes).reshape(-1, observation.beat_bytes)
    out, taken, given = emulator.stream(beats, len(codes) * action.beats, action.beat_bytes,
                                        max_cycles=1_000_000 + len(codes) * 200_000)
    last = given.astype(np.int64).reshape(-1, action.beats)[:, -1]
    first = taken.astype(np.int64).reshape(-1, observation.beats)[:, 0]
    interval = (last[-1] - last[0]) / max(len(last) - 1, 1)
    return action.unpack(out.reshape(len(codes), -1)), Timing(int(last[0] - first[0]), float(interval))


def check(policy: Policy, observations: np.ndarray, torch_trace: Callable[[np.ndarray], Trace],
          finn_trace: Callable[[np.ndarray], Trace], emulator: Emulator, geometry: Geometry,
          visited: int, seed: int = 0) -> tuple[dict[str, Any], Timing]:
    """Compare the whole chain on raw ``observations`` [N, features], the first ``visited`` of them from rollouts.

    The RTL is driven three times: back to back, with random stalls on input and output, and behind the bridge's
    registers by the device (see the flow). Returns the report for ``parity.json`` and the timing.
    """
    codes = codec.encode(policy, observations)
    expected = reference(policy, codes)
    pairs = {"torch = integer": compare("the torch actor", expected, torch_trace(observations), codes),
             "finn = integer": compare("FINN's execution", expected, finn_trace(codes), codes)}
    emulator.stall(0.0, 0.0)
    found, timing = stream(emulator, geometry, codes)
    pairs["rtl = integer"] = compare_outputs("the RTL", expected, found, codes)
    stalled = codes[np.random.default_rng(seed).permutation(len(codes))[:max(1000, len(codes) // 5)]]
    for share in ((0.5, 0.0), (0.0, 0.5), (0.3, 0.7)):
        emulator.stall(*share, seed=seed + 1)
        found, _ = stream(emulator, geometry, stalled)
        pairs["rtl, %d %% input and %d %% output stalls = integer" % (100 * share[0], 100 * share[1])] = \
            compare_outputs("the RTL under stalls", reference(policy, stalled), found, stalled)
    emulator.stall(0.0, 0.0)
    report = {"observations": len(codes), "visited": visited, "random": len(codes) - visited,
              "distinct": len(np.unique(codes, axis=0)), "pairs": pairs}
    return report, timing


def compare_outputs(name: str, expected: Trace, found: np.ndarray, codes: np.ndarray) -> dict[str, Any]:
    """:func:`compare` for a side that shows the last layer alone: found int32 [N, out]."""
    return compare(name, expected, [*expected[:-1], found], codes) | {"values": int(found.size)}
