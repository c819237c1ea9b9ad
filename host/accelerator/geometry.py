"""How codes and accumulators lie in the accelerator's streams: beats, lanes, bits."""
from __future__ import annotations

import dataclasses
import functools
from typing import Optional, Tuple

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

    @functools.cached_property
    def _whole(self) -> Optional[np.dtype]:
        """The type of a lane that is 1, 2 or 4 bytes where nothing pads a beat: bytes and lanes are one memory."""
        if self.bits in (8, 16, 32) and self.lanes * self.bits == self.width:
            return np.dtype("<%s%d" % ("i" if self.signed else "u", self.bits // 8))
        return None

    @functools.cached_property
    def _windows(self) -> Tuple[np.ndarray, np.ndarray]:
        """Of each value: its first byte and the seven that follow, [values, 8], and by how much to shift them up."""
        first = np.arange(self.beats)[:, None] * self.width + np.arange(self.lanes) * self.bits
        first = first.reshape(-1)
        return first[:, None] // 8 + np.arange(8), (64 - self.bits - first % 8).astype(np.uint64)

    def view(self, frame: np.ndarray) -> Optional[np.ndarray]:
        """The integers [beats * lanes] in the memory of ``frame``, uint8 [frame_bytes]; None where no array is that."""
        return None if self._whole is None else frame.view(self._whole)

    def pack(self, values: np.ndarray) -> np.ndarray:
        """Integers [N, beats * lanes] to bytes uint8 [N, frame_bytes]."""
        if self._whole is not None:
            whole = values.reshape(-1, self.beats * self.lanes).astype(self._whole, order="C")
            return whole.view(np.uint8)
        lanes = values.reshape(-1, self.beats, self.lanes, 1).astype(np.int64)
        bits = ((lanes >> np.arange(self.bits)) & 1).astype(np.uint8).reshape(-1, self.beats, self.lanes * self.bits)
        padded = np.zeros((*bits.shape[:2], self.width), np.uint8)
        padded[:, :, :bits.shape[2]] = bits
        return np.packbits(padded, axis=2, bitorder="little").reshape(-1, self.frame_bytes)

    def unpack(self, frames: np.ndarray) -> np.ndarray:
        """Bytes uint8 [N, frame_bytes] to integers int32 [N, beats * lanes]."""
        frames = np.ascontiguousarray(frames).reshape(-1, self.frame_bytes)
        if self._whole is not None:
            return frames.view(self._whole).astype(np.int32)
        padded = np.zeros((len(frames), self.frame_bytes + 7), np.uint8)
        padded[:, :self.frame_bytes] = frames
        index, shift = self._windows
        top = padded.take(index, axis=1).view("<u8")[:, :, 0] << shift        # the value in the highest bits
        return (top.view(np.int64 if self.signed else np.uint64) >> (64 - self.bits)).astype(np.int32)


@dataclasses.dataclass(frozen=True)
class Geometry:
    """The accelerator's two streams: input codes in, accumulators out."""

    observation: Stream
    action: Stream
