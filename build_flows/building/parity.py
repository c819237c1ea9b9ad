"""Bit-exactness of the whole chain: torch actor, integer reference, FINN's execution and the RTL, on one set of inputs.

The integer reference is what the others are held to. One different number fails, with its layer, channel and input.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from quarl.host.accelerator.geometry import Geometry
from quarl.host.devices.emulator import Emulator
from quarl.host.devices.interface import Device
from quarl.host.errors import MismatchError
from quarl.host.policy import Policy, integer

Trace = Sequence[np.ndarray]
"""Per layer accumulators and codes in turn, each [N, out]; the last layer has accumulators alone."""

STALLS = ((0.5, 0.0), (0.0, 0.5), (0.3, 0.7))
"""Shares of the cycles in which the input and the output stream are held back."""

_PATIENCE = 8    # times the expected cycles that a stream may take: stalls, and predictions that are a little short


@dataclasses.dataclass(frozen=True)
class Timing:
    """What the RTL showed while it was compared: cycles from the offer of an inference's first input beat to its last
    output beat, and between inferences back to back."""

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


def stream(emulator: Emulator, geometry: Geometry, codes: np.ndarray, *,
           cycles_per_inference: int = 20_000) -> tuple[np.ndarray, Timing]:
    """Stream input codes [N, features] back to back through the emulated RTL: accumulators int32 [N, out], timing.

    ``cycles_per_inference`` is about how long one takes; after many times that, ``ToolError`` says that it hangs.
    The pipeline must be empty, so that the first beat is offered in the first cycle.
    """
    observation, action = geometry.observation, geometry.action
    beats = observation.pack(codes).reshape(-1, observation.beat_bytes)
    out, _, given = emulator.stream(beats, len(codes) * action.beats, action.beat_bytes,
                                        max_cycles=100_000 + _PATIENCE * len(codes) * cycles_per_inference)
    last = given.astype(np.int64).reshape(-1, action.beats)[:, -1]
    interval = (last[-1] - last[0]) / max(len(last) - 1, 1)
    return action.unpack(out.reshape(len(codes), -1)), Timing(int(last[0]), float(interval))


def check(policy: Policy, codes: np.ndarray, torch_trace: Trace, finn_trace: Trace, emulator: Emulator,
          geometry: Geometry, seed: int = 0, cycles_per_inference: int = 20_000) -> tuple[dict[str, Any], Timing]:
    """Hold the torch actor, FINN's execution and the RTL to the integer reference on input codes [N, features].

    The RTL is driven back to back, and with random stalls on input and output; :func:`stream` explains
    ``cycles_per_inference``. Returns :func:`compare`'s result by pair, and the timing.
    """
    expected = reference(policy, codes)
    pairs = {"torch = integer": compare("the torch actor", expected, torch_trace, codes),
             "finn = integer": compare("FINN's execution", expected, finn_trace, codes)}
    emulator.stall(0.0, 0.0)
    found, timing = stream(emulator, geometry, codes, cycles_per_inference=cycles_per_inference)
    pairs["rtl = integer"] = compare_outputs("the RTL", expected, found, codes)
    rows = np.random.default_rng(seed).permutation(len(codes))[:min(2000, len(codes))]
    for inputs, outputs in STALLS:
        emulator.stall(inputs, outputs, seed + 1)
        found, _ = stream(emulator, geometry, codes[rows], cycles_per_inference=cycles_per_inference)
        pairs["rtl, %d %% input and %d %% output stalls = integer" % (100 * inputs, 100 * outputs)] = \
            compare_outputs("the RTL under stalls", [array[rows] for array in expected], found, codes[rows])
    emulator.stall(0.0, 0.0)
    return pairs, timing


def check_device(policy: Policy, device: Device, codes: np.ndarray,
                 name: str = "the RTL behind the bridge") -> tuple[dict[str, Any], int]:
    """Hold an open device's steps to the reference: :func:`compare`'s result, and the median latency in cycles."""
    replies = [device.step(row) for row in codes]
    found = np.stack([reply.accumulators for reply in replies])
    result = compare_outputs(name, reference(policy, codes), found, codes)
    return result, int(np.median([reply.cycles or 0 for reply in replies]))


def compare_outputs(name: str, expected: Trace, found: np.ndarray, codes: np.ndarray) -> dict[str, Any]:
    """:func:`compare` for a side that shows the last layer alone: found int32 [N, out]."""
    return compare(name, expected, [*expected[:-1], found], codes) | {"values": int(found.size)}
