"""The integer program in Python's own integers, one multiplication at a time."""
from __future__ import annotations

from typing import Any

import numpy as np

from quarl.host.policy import Layer, Policy

Steps = list[tuple[Any, Any]]


def trace(policy: Policy, codes: np.ndarray) -> Steps:
    """Per layer, accumulators and codes (None for the last) of codes [N, ...], as nested lists."""
    shape = policy.observation_shape if policy.pixels else (policy.features,)
    rows = [_one(policy, codes[n].reshape(shape).tolist()) for n in range(len(codes))]
    return [([row[index][0] for row in rows], None if layer.thresholds is None else [row[index][1] for row in rows])
            for index, layer in enumerate(policy.layers)]


def _one(policy: Policy, codes: Any) -> Steps:
    steps: Steps = []
    for layer in policy.layers:
        sums = _convolve(layer, codes) if layer.stride else _multiply(layer, _flat(codes))
        codes = None if layer.thresholds is None else [
            _count(table, each) for table, each in zip(layer.thresholds.tolist(), sums, strict=True)]
        steps.append((sums, codes))
    return steps


def _flat(codes: Any) -> list[int]:
    return [each for part in codes for each in _flat(part)] if isinstance(codes, list) else [codes]


def _multiply(layer: Layer, codes: list[int]) -> list[int]:
    return [sum(w * q for w, q in zip(row, codes, strict=True)) for row in layer.weights.tolist()]


def _convolve(layer: Layer, codes: list[list[list[int]]]) -> list[list[list[int]]]:
    _, inputs, kernel_height, kernel_width = layer.weights.shape
    high = range(0, len(codes[0]) - kernel_height + 1, layer.stride)
    wide = range(0, len(codes[0][0]) - kernel_width + 1, layer.stride)
    return [[[sum(kernel[c][i][j] * codes[c][y + i][x + j] for c in range(inputs) for i in range(kernel_height)
                  for j in range(kernel_width)) for x in wide] for y in high] for kernel in layer.weights.tolist()]


def _count(table: list[int], sums: Any) -> Any:
    return [_count(table, each) for each in sums] if isinstance(sums, list) else sum(sums >= each for each in table)
