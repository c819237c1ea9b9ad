"""The integer reference model: what a deployed policy computes, in numpy.

This is the meaning of a policy package. Hardware, FINN's execution, the trained torch actor and C must equal it,
accumulator for accumulator.
"""
from __future__ import annotations

from typing import Any, List, Optional, Tuple

import numpy as np

from quarl.host.policy import Layer, Policy

Steps = List[Tuple[np.ndarray, Optional[np.ndarray]]]

_BLOCK = 1 << 20                       # bytes of comparisons at a time: as many as a cache holds


class Weights:
    """The weights of a layer, [out, in] or [out, in, kh, kw], made ready to be multiplied.

    Floating-point GEMM is exact while every partial sum stays below 2**24 (float32) or 2**53 (float64), and much
    faster than numpy's integer loop. ``bound`` is the largest absolute accumulator.
    """

    def __init__(self, weights: np.ndarray, bound: int):
        self._kind: Any = np.float32 if bound < 2 ** 24 else np.float64
        order = (1, 0) if weights.ndim == 2 else (2, 3, 1, 0)
        self._kernel = weights.shape[2:]
        self._matrix = np.ascontiguousarray(weights.transpose(order).reshape(-1, len(weights)), self._kind)

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Accumulators int32 [N, out] of codes [N, in], or of :meth:`windows`."""
        return (rows.astype(self._kind) @ self._matrix).astype(np.int32)

    def windows(self, codes: np.ndarray, stride: int) -> np.ndarray:
        """What the kernel sees of codes [N, in, H, W]: [N, H', W', kh * kw * in]."""
        last = np.ascontiguousarray(codes.transpose(0, 2, 3, 1))        # [N, H, W, in]: whole runs are copied then
        seen = np.lib.stride_tricks.sliding_window_view(last, self._kernel, axis=(1, 2))[:, ::stride, ::stride]
        seen = seen.transpose(0, 1, 2, 4, 5, 3)
        return seen.reshape(*seen.shape[:3], len(self._matrix))


class Thresholds:
    """The thresholds of a layer, [out, levels], made ready to be counted."""

    def __init__(self, thresholds: np.ndarray):
        self._levels = np.ascontiguousarray(thresholds.T)[:, None]                        # [levels, 1, out]
        self._rows = max(1, _BLOCK // max(1, thresholds.size))

    def count(self, rows: np.ndarray) -> np.ndarray:
        """Codes uint8 [N, out]: how many of each channel's thresholds are <= its accumulator, of [N, out]."""
        codes = np.empty(rows.shape, np.uint8)
        for start in range(0, len(rows), self._rows):
            part = slice(start, start + self._rows)
            np.add.reduce((self._levels <= rows[part]).view(np.uint8), axis=0, dtype=np.uint8, out=codes[part])
        return codes


class _Ready:
    """A layer made ready."""

    def __init__(self, layer: Layer, bound: int):
        self._weights, self._inputs, self._stride = Weights(layer.weights, bound), layer.weights.shape[1], layer.stride
        self._thresholds = None if layer.thresholds is None else Thresholds(layer.thresholds)

    def step(self, codes: np.ndarray) -> Tuple[np.ndarray, Optional[np.ndarray]]:
        """Accumulators and codes, as :func:`trace` gives them, from codes of the layer before."""
        if self._stride is None:
            sums = self._weights.sums(codes.reshape(len(codes), self._inputs))
            return sums, None if self._thresholds is None else self._thresholds.count(sums)
        windows = self._weights.windows(codes, self._stride)
        rows = self._weights.sums(windows.reshape(-1, windows.shape[3]))
        return (_channels_first(rows, windows.shape),
                None if self._thresholds is None else _channels_first(self._thresholds.count(rows), windows.shape))


def _channels_first(rows: np.ndarray, windows: Tuple[int, ...]) -> np.ndarray:
    """Rows [N * H' * W', out] of ``windows`` [N, H', W', ...] as [N, out, H', W']."""
    return rows.reshape(*windows[:3], rows.shape[1]).transpose(0, 3, 1, 2)


class Reference:
    """A policy made ready: bounds, types and layouts are found once, and inference only computes."""

    def __init__(self, policy: Policy):
        self._shape = policy.observation_shape if policy.pixels else None
        self._layers = [_Ready(layer, policy.accumulator_bound(index)) for index, layer in enumerate(policy.layers)]

    def trace(self, codes: np.ndarray) -> Steps:
        """As :func:`trace`."""
        if self._shape is not None:
            codes = codes.reshape(len(codes), *self._shape)
        steps: Steps = []
        for layer in self._layers:
            sums, after = layer.step(codes)
            steps.append((sums, after))
            if after is not None:
                codes = after
        return steps


def reference(policy: Policy) -> Reference:
    """``policy`` made ready, at the first call; it is kept with the policy."""
    kept = policy.__dict__
    if "_reference" not in kept:
        kept["_reference"] = Reference(policy)
    found: Reference = kept["_reference"]
    return found


def matmul(weights: np.ndarray, codes: np.ndarray, bound: int) -> np.ndarray:
    """Exact ``codes @ weights.T`` as int32 [N, out]. ``bound`` is the largest absolute accumulator."""
    return Weights(weights, bound).sums(codes)


def convolve(weights: np.ndarray, codes: np.ndarray, stride: int, bound: int) -> np.ndarray:
    """Exact convolution without padding, int32 [N, out, H', W'], of codes [N, in, H, W].

    ``weights`` is [out, in, kh, kw], not mirrored, as in torch: ``acc[n, o, y, x]`` is the sum over c, i and j of
    ``weights[o, c, i, j] * codes[n, c, y * stride + i, x * stride + j]``. H' is ``(H - kh) // stride + 1``.
    """
    return _Ready(Layer(weights, 8, stride=stride), bound).step(codes)[0]


def count_thresholds(thresholds: np.ndarray, accumulators: np.ndarray) -> np.ndarray:
    """Codes uint8 [N, out, ...]: how many of each channel's thresholds are <= its accumulator."""
    last = np.moveaxis(accumulators, 1, -1)
    codes = Thresholds(thresholds).count(last.reshape(-1, len(thresholds)))
    return np.moveaxis(codes.reshape(last.shape), -1, 1)


def trace(policy: Policy, codes: np.ndarray) -> Steps:
    """Per layer: accumulators int32 [N, out] and codes uint8 [N, out] (None for the last), from codes [N, features].

    Both are [N, out, height, width] behind a convolution.
    """
    return reference(policy).trace(codes)


def accumulators(policy: Policy, codes: np.ndarray) -> np.ndarray:
    """The last layer's accumulators, int32 [N, out], from input codes [N, features]."""
    return trace(policy, codes)[-1][0]
