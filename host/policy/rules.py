"""What a policy must keep to: every rule, checked, with an error that names it."""
from __future__ import annotations

from typing import Any, Tuple

import numpy as np

from quarl.host.errors import UserError
from quarl.host.policy.program import BITS, HEADS, Layer, Policy

FIX = "export the run again with `quarl export RUN`"


def require(ok: bool, rule: str, found: Any) -> None:
    """Raise :class:`UserError` for a ``rule`` that is not ``ok``."""
    if not ok:
        raise UserError(rule, found, FIX)


def _check_vector(name: str, array: np.ndarray, size: int) -> None:
    require(array.dtype == np.float32 and array.shape == (size,),
            "%s must be float32 [%d]" % (name, size), "%s %s" % (array.dtype, list(array.shape)))
    bad = np.flatnonzero(~np.isfinite(array))
    require(not len(bad), "%s must be finite" % name, "%s at index %s" % (array[bad[:1]], bad[:1]))


def _check_kernel(layer: Layer, name: str, shape: Tuple[int, ...]) -> None:
    """The rules of a convolution over codes of ``shape``."""
    weights = layer.weights
    require(len(shape) == 3, "%s: a convolution must come before every dense layer" % name,
            "an input of %s" % list(shape))
    require(weights.dtype == np.int8 and weights.ndim == 4 and weights.shape[1] == shape[0] and weights.size > 0,
            "%s: weights must be int8 [out, %d, kernel height, kernel width]" % (name, shape[0]),
            "%s %s" % (weights.dtype, list(weights.shape)))
    require(isinstance(layer.stride, int) and layer.stride > 0, "%s: the stride must be a positive integer" % name,
            layer.stride)
    require(weights.shape[2] <= shape[1] and weights.shape[3] <= shape[2],
            "%s: the kernel must fit into the input of %d x %d" % (name, shape[1], shape[2]),
            "%d x %d" % weights.shape[2:])


def _check_layer(policy: Policy, index: int, shape: Tuple[int, ...]) -> None:
    layer, name, last = policy.layers[index], "layer %d" % index, index == len(policy.layers) - 1
    weights, inputs = layer.weights, int(np.prod(shape))
    require(layer.weight_bits in BITS, "%s: weight bits must be 2 to 8" % name, layer.weight_bits)
    if layer.stride is not None:
        _check_kernel(layer, name, shape)
        require(not last, "%s: the last layer must be dense" % name, "a convolution")
    else:
        require(weights.dtype == np.int8 and weights.ndim == 2 and weights.shape[1] == inputs and len(weights) > 0,
                "%s: weights must be int8 [out, %d]" % (name, inputs),
                "%s %s" % (weights.dtype, list(weights.shape)))
    limit = 2 ** (layer.weight_bits - 1)
    require(bool(weights.min() >= -limit and weights.max() < limit),
            "%s: %d-bit weights must lie in [%d, %d]" % (name, layer.weight_bits, -limit, limit - 1),
            "[%d, %d]" % (weights.min(), weights.max()))
    if last:
        require(layer.thresholds is None and layer.act_bits is None,
                "%s: the last layer must have no thresholds" % name, "%s activation bits" % layer.act_bits)
        return
    require(layer.act_bits in BITS, "%s: activation bits must be 2 to 8" % name, layer.act_bits)
    thresholds = layer.thresholds if layer.thresholds is not None else np.empty((0, 0), np.int32)
    shape = (len(weights), 2 ** (layer.act_bits or 0) - 1)
    require(thresholds.dtype == np.int32 and thresholds.shape == shape,
            "%s: thresholds must be int32 %s" % (name, list(shape)),
            "%s %s" % (thresholds.dtype, list(thresholds.shape)))
    require(bool(np.all(thresholds[:, 1:] >= thresholds[:, :-1])),
            "%s: thresholds must ascend along each channel" % name, "a descending pair")


def validate(policy: Policy) -> None:
    """Raise :class:`UserError` at the first rule that ``policy`` breaks."""
    require(policy.action.kind in HEADS, "the action space must be discrete or box", policy.action.kind)
    require(len(policy.action.low) == len(policy.action.high) and policy.action.size > 0,
            "the action space must have at least one dimension with a low and a high", policy.action)
    bounds = np.array([policy.action.low, policy.action.high], np.float64)
    require(bool(np.isfinite(bounds).all() and (bounds[0] <= bounds[1]).all()),
            "a box must have finite bounds, low <= high",
            "low %s, high %s" % (list(policy.action.low), list(policy.action.high)))
    start = policy.action.start
    require(type(start) is int and (policy.action.kind == "discrete" or start == 0)
            and -2 ** 63 <= start <= 2 ** 63 - max(1, policy.action.n),
            "discrete actions must start at a whole number of 64 bits, and a box has no start", start)
    require(policy.head in HEADS[policy.action.kind],
            "the head of a %s action space must be one of %s" % (policy.action.kind,
                                                                 ", ".join(HEADS[policy.action.kind])), policy.head)
    require(policy.input_bits in BITS, "input bits must be 2 to 8", policy.input_bits)
    require(len(policy.observation_shape) > 0 and all(d > 0 for d in policy.observation_shape),
            "the observation shape must have positive dimensions", list(policy.observation_shape))
    require(len(policy.layers) > 0, "a policy must have at least one layer", 0)
    require(not policy.pixels or (len(policy.observation_shape) == 3 and policy.input_bits == 8),
            "a policy that begins with a convolution must read 8-bit pixels [channels, height, width]",
            "%s bits, shape %s" % (policy.input_bits, list(policy.observation_shape)))
    encoded = 0 if policy.pixels else policy.features
    _check_vector("encode_scale", policy.encode_scale, encoded)
    _check_vector("encode_offset", policy.encode_offset, encoded)
    _check_vector("decode_scale", policy.decode_scale, policy.action.size)
    _check_vector("decode_bias", policy.decode_bias, policy.action.size)
    shape = policy.observation_shape if policy.pixels else (policy.features,)
    for index, layer in enumerate(policy.layers):
        _check_layer(policy, index, shape)
        require(policy.accumulator_bound(index) < 2 ** 31, "layer %d: accumulators must fit 32 bits" % index,
                "up to %d" % policy.accumulator_bound(index))
        shape = layer.output_shape(shape)
    require(shape == (policy.action.size,), "the last layer must have one output per action dimension",
            "%d outputs for %d" % (shape[0], policy.action.size))
