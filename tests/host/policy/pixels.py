"""Policies that read pixels, random and whole."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from quarl.host.policy import ActionSpace, Layer, Policy
from tests.host.helpers import make_policy

Conv = tuple[int, tuple[int, int], int]           # channels, kernel, stride
EMPTY = np.empty(0, np.float32)


def pixel_policy(shape: tuple[int, int, int] = (2, 9, 8), convs: Sequence[Conv] = ((3, (3, 2), 2), (4, (2, 2), 1)),
                 dense: Sequence[int] = (5, 2), weight_bits: int = 4, act_bits: int = 3, seed: int = 0,
                 **changes: Any) -> Policy:
    """Convolutions, then dense layers, of random weights over the whole range and thresholds where they matter."""
    rng = np.random.default_rng(seed)
    limit, current, layers = 2 ** (weight_bits - 1), shape, []
    sizes: list[tuple[int, tuple[int, ...], int | None]] = [*convs, *((outputs, (), None) for outputs in dense)]
    for index, (outputs, kernel, stride) in enumerate(sizes):
        inputs = current[0] if stride else int(np.prod(current))
        weights = rng.integers(-limit, limit, (outputs, inputs, *kernel)).astype(np.int8)
        layer = Layer(weights, weight_bits, stride=stride)
        if index < len(sizes) - 1:
            reach = int(np.abs(weights.astype(int)).sum() / outputs * (255 if index == 0 else 2 ** act_bits) / 4) + 1
            thresholds = np.sort(rng.integers(-reach, reach + 1, (outputs, 2 ** act_bits - 1)), axis=1)
            layer = Layer(weights, weight_bits, thresholds.astype(np.int32), act_bits, stride)
        layers.append(layer)
        current = layer.output_shape(current)
    fields: dict[str, Any] = {
        "input_bits": 8, "observation_shape": shape, "action": ActionSpace("discrete", dense[-1]),
        "encode_scale": EMPTY, "encode_offset": EMPTY, "layers": tuple(layers),
        "decode_scale": np.ones(dense[-1], np.float32), "decode_bias": np.zeros(dense[-1], np.float32)}
    return make_policy(**{**fields, **changes})


def random_pixels(policy: Policy, count: int, seed: int) -> np.ndarray:
    """Observations uint8 [count, channels, height, width] over the whole range."""
    return np.random.default_rng(seed).integers(0, 256, (count, *policy.observation_shape)).astype(np.uint8)
