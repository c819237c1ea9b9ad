"""How codes and accumulators lie in the accelerator's streams: beats, lanes, bits."""
from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Stream:
    """One AXI stream: ``beats`` beats of ``lanes`` integers of ``bits`` bits, lane 0 in the lowest bits.

    ``width`` is the width of a beat in bits, a multiple of 8 and at least ``lanes * bits``; the rest is padding.
    """

    beats: int
    lanes: int
    bits: int
    width: int
    signed: bool = True

    @property
    def beat_bytes(self) -> int:
        """Bytes of one beat."""
        return self.width // 8

    @property
    def frame_bytes(self) -> int:
        """Bytes of one observation or action."""
        return self.beats * self.beat_bytes

    @property
    def words(self) -> int:
        """32-bit words that hold one frame."""
        return (self.frame_bytes + 3) // 4

    def pack(self, values: np.ndarray) -> np.ndarray:
        """Integers [N, beats * lanes] to bytes uint8 [N, frame_bytes]."""
        lanes = values.reshape(-1, self.beats, self.lanes, 1).astype(np.int64)
        bits = ((lanes >> np.arange(self.bits)) & 1).astype(np.uint8).reshape(-1, self.beats, self.lanes * self.bits)
        padded = np.zeros((*bits.shape[:2], self.width), np.uint8)
        padded[:, :, :bits.shape[2]] = bits
        return np.packbits(padded, axis=2, bitorder="little").reshape(-1, self.frame_bytes)

    def unpack(self, frames: np.ndarray) -> np.ndarray:
        """Bytes uint8 [N, frame_bytes] to integers int32 [N, beats * lanes]."""
        bits = np.unpackbits(frames.reshape(-1, self.beats, self.beat_bytes), axis=2, bitorder="little")
        lanes = bits[:, :, :self.lanes * self.bits].reshape(-1, self.beats * self.lanes, self.bits)
        values = (lanes.astype(np.int64) << np.arange(self.bits)).sum(axis=2)
        if self.signed:
            values -= (values >> (self.bits - 1)) << self.bits
        return values.astype(np.int32)


@dataclasses.dataclass(frozen=True)
class Geometry:
    """The accelerator's two streams: input codes in, accumulators out."""

    observation: Stream
    action: Stream
