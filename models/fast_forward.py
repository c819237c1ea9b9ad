"""Brevitas' training forwards of our quantisers, with far fewer operations and equal to the last bit.

Brevitas runs about a hundred small torch operations per layer. These do the same arithmetic in the same order, so
outputs and every gradient are bit-identical (but for the sign of a zero); tests compare them with Brevitas.
"""
from __future__ import annotations

from typing import Any

import brevitas.nn as qnn
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

_SMALLEST_MAXIMUM = 1e-10      # Brevitas' scaling_min_val: keeps the scale of an all-zero matrix from being 0

_hardtanh_backward = torch.ops.aten.hardtanh_backward        # the masked products, each in one pass
_threshold_backward = torch.ops.aten.threshold_backward


class _QuantWeight(Function):
    """Weights rounded to whole multiples of ``max|w| / levels``; the gradient goes straight through both steps."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, levels: int) -> Tensor:
        size = weight.abs()
        largest = size.max()
        scale = largest.clamp(min=_SMALLEST_MAXIMUM) / levels
        ratio = weight / scale
        codes = ratio.round().clamp_(-levels, levels)
        ctx.levels = levels
        ctx.save_for_backward(weight, size, largest, scale, ratio, codes)
        return codes * scale

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        weight, size, largest, scale, ratio, codes = ctx.saved_tensors
        through = grad * scale
        to_scale = (grad * codes).sum() - (through * (ratio / scale)).sum()
        at_largest = size == largest
        to_size = at_largest * ((to_scale / ctx.levels) / at_largest.sum())
        return through / scale + to_size * weight.sgn(), None


class _QuantReLU(Function):
    """ReLU rounded to whole multiples of ``|limit| / levels``, saturating at ``levels``; ``limit`` is learned."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, limit: Tensor, levels: int) -> Tensor:
        positive = x.relu()
        scale = limit.abs() / levels
        ratio = positive / scale
        rounded = ratio.round()
        codes = rounded.clamp(max=levels)
        ctx.levels = levels
        ctx.save_for_backward(positive, limit, scale, ratio, rounded, codes)
        return codes * scale

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        positive, limit, scale, ratio, rounded, codes = ctx.saved_tensors
        through = _hardtanh_backward(grad * scale, rounded, -1.0, ctx.levels + 0.5)      # 0 where saturated
        to_scale = (grad * codes).sum() - (through * (ratio / scale)).sum()
        sign = 1.0 if limit >= 0 else -1.0
        return _threshold_backward(through / scale, positive, 0.0), sign * (to_scale / ctx.levels), None


def linear(layer: qnn.QuantLinear, x: Tensor, weight_bits: int) -> Tensor:
    """What ``layer(x)`` returns, for a layer of :func:`models.quantisers.linear`."""
    return F.linear(x, _QuantWeight.apply(layer.weight, 2 ** (weight_bits - 1) - 1), layer.bias)


def activation(limit: Tensor, x: Tensor, act_bits: int) -> Tensor:
    """What a :func:`models.quantisers.hidden_activation` returns; ``limit`` is its learned parameter."""
    return _QuantReLU.apply(x, limit, 2 ** act_bits - 1)


def input_code(x: Tensor, scale: float, input_bits: int) -> Tensor:
    """What a :func:`models.quantisers.input_quantiser` returns; observations need no gradient."""
    top = 2 ** (input_bits - 1)
    return torch.round(x / scale).clamp_(-top, top - 1) * scale
