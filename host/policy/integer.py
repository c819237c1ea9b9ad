"""The integer reference model: what a deployed policy computes, in numpy.

This is the meaning of a policy package. Hardware, FINN's execution and the trained torch actor must equal it,
accumulator for accumulator.
"""
from __future__ import annotations

from typing import List, Optional, Tuple

import numpy as np

from quarl.host.policy import Policy


def matmul(weights: np.ndarray, codes: np.ndarray, bound: int) -> np.ndarray:
    """Exact ``codes @ weights.T`` as int32 [N, out].

    Floating-point GEMM is exact while every partial sum stays below 2**24 (float32) or 2**53 (float64), and much
    faster than numpy's integer loop. ``bound`` is the largest absolute accumulator.
    """
    kind = np.float32 if bound < 2 ** 24 else np.float64
    return (codes.astype(kind) @ weights.T.astype(kind)).astype(np.int32)


def convolve(weights: np.ndarray, codes: np.ndarray, stride: int, bound: int) -> np.ndarray:
    """Exact convolution without padding, int32 [N, out, H', W'], of codes [N, in, H, W].

    ``weights`` is [out, in, kh, kw], not mirrored, as in torch: ``acc[n, o, y, x]`` is the sum over c, i and j of
    ``weights[o, c, i, j] * codes[n, c, y * stride + i, x * stride + j]``. H' is ``(H - kh) // stride + 1``.
    """
    windows = np.lib.stride_tricks.sliding_window_view(codes, weights.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)           # [N, H', W', in, kh, kw]
    flat = weights.reshape(len(weights), -1)
    found = matmul(flat, windows.reshape(-1, flat.shape[1]), bound)
    return found.reshape(*windows.shape[:3], len(weights)).transpose(0, 3, 1, 2)


def count_thresholds(thresholds: np.ndarray, accumulators: np.ndarray) -> np.ndarray:
    """Codes uint8 [N, out, ...]: how many of each channel's thresholds are <= its accumulator."""
    codes = np.empty(accumulators.shape, np.uint8)
    for channel in range(len(thresholds)):
        codes[:, channel] = np.searchsorted(thresholds[channel], accumulators[:, channel], "right")
    return codes


def trace(policy: Policy, codes: np.ndarray) -> List[Tuple[np.ndarray, Optional[np.ndarray]]]:
    """Per layer: accumulators int32 [N, out] and codes uint8 [N, out] (None for the last), from codes [N, features].

    Both are [N, out, height, width] behind a convolution.
    """
    if policy.pixels:
        codes = codes.reshape(len(codes), *policy.observation_shape)
    steps: List[Tuple[np.ndarray, Optional[np.ndarray]]] = []
    for index, layer in enumerate(policy.layers):
        bound = policy.accumulator_bound(index)
        if layer.stride is not None:
            accumulators = convolve(layer.weights, codes, layer.stride, bound)
        else:
            accumulators = matmul(layer.weights, codes.reshape(len(codes), layer.weights.shape[1]), bound)
        if layer.thresholds is None:
            steps.append((accumulators, None))
        else:
            codes = count_thresholds(layer.thresholds, accumulators)
            steps.append((accumulators, codes))
    return steps


def accumulators(policy: Policy, codes: np.ndarray) -> np.ndarray:
    """The last layer's accumulators, int32 [N, out], from input codes [N, features]."""
    return trace(policy, codes)[-1][0]
