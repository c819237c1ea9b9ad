"""Brevitas' forwards of our quantisers, with far fewer operations and equal to the last bit.

Brevitas runs about a hundred small torch operations per layer. These do the same arithmetic in the same order, so
outputs and every parameter's gradient are bit-identical (but for the sign of a zero); tests compare them with
Brevitas. :func:`forward` says which modules are covered; any other is left to Brevitas.

Quantisers compute in fp32 under autocast too: only the matrix product may run in fewer bits.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from quarl.models.actors.quantisers import Pixels
from quarl.models.actors.quiet_brevitas import (
    Int8ActPerTensorFloatMinMaxInit,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFloat,
    ScalingImplType,
    Uint8ActPerTensorFloatMaxInit,
    qnn,
)

_SMALLEST_MAXIMUM = 1e-10      # Brevitas' scaling_min_val: keeps the scale of an all-zero matrix from being 0

_hardtanh_backward = torch.ops.aten.hardtanh_backward        # the masked products, each in one pass
_threshold_backward = torch.ops.aten.threshold_backward


@functools.cache
def number(value: float, device: torch.device) -> Tensor:
    """``value`` as a float32 tensor without dimensions.

    Torch takes half as long with it as with a Python number, and on a GPU it divides by it where it would multiply
    by the rounded reciprocal of a number.
    """
    with torch.inference_mode(False):
        return torch.tensor(float(value), device=device)


def _weight_scale(largest: Tensor, levels: int) -> Tensor:
    device = largest.device
    return torch.maximum(largest, number(_SMALLEST_MAXIMUM, device)) / number(levels, device)


def _weight_codes(weight: Tensor, levels: int, per_channel: bool) -> tuple[Tensor, Tensor]:
    """Whole numbers [out, in], and their scale: [], or [out, 1] per channel. None exceeds ``levels``."""
    size = weight.abs()
    scale = _weight_scale(size.amax(dim=1, keepdim=True) if per_channel else size.max(), levels)
    return (weight / scale).round_(), scale


class _QuantWeight(Function):
    """Weights rounded to whole multiples of ``max|w| / levels``; the gradient goes straight through both steps.

    Weights that share the maximum of a layer share its gradient; in a channel the first of them has it all.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, levels: int, per_channel: bool) -> Tensor:
        size = weight.abs()
        if per_channel:
            largest, where = size.max(dim=1, keepdim=True)
        else:
            largest = size.max()
            where = size == largest
        scale = _weight_scale(largest, levels)
        ratio = weight / scale
        codes = ratio.round()
        ctx.levels, ctx.per_channel = levels, per_channel
        ctx.save_for_backward(weight, where, scale, ratio, codes)
        return codes * scale

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        weight, where, scale, ratio, codes = ctx.saved_tensors
        levels = number(ctx.levels, grad.device)
        through = grad * scale
        by_code, by_ratio = grad * codes, through * (ratio / scale)
        straight = through / scale
        if ctx.per_channel:
            to_largest = (by_code.sum(dim=1, keepdim=True) - by_ratio.sum(dim=1, keepdim=True)) / levels
            to_weight = straight.scatter_add_(1, where, to_largest * weight.gather(1, where).sgn())
        else:
            to_largest = (by_code.sum() - by_ratio.sum()) / levels
            to_weight = straight + where * (to_largest / where.sum()) * weight.sgn()
        return to_weight, None, None


def _relu_codes(x: Tensor, scale: Tensor, levels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    positive = x.relu()
    ratio = positive / scale
    rounded = ratio.round()
    return positive, ratio, rounded, rounded.clamp(max=levels)


class _QuantReLU(Function):
    """ReLU rounded to whole multiples of ``|limit| / levels``, saturating at ``levels``; ``limit`` is learned."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, limit: Tensor, levels: int) -> Tensor:
        scale = limit.abs() / number(levels, limit.device)
        positive, ratio, rounded, codes = _relu_codes(x, scale, levels)
        ctx.levels = levels
        ctx.save_for_backward(positive, limit, scale, ratio, rounded, codes)
        return codes * scale

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        positive, limit, scale, ratio, rounded, codes = ctx.saved_tensors
        through = _hardtanh_backward(grad * scale, rounded, -1.0, ctx.levels + 0.5)      # 0 where saturated
        to_scale = (grad * codes).sum() - (through * (ratio / scale)).sum()
        to_limit = limit.sgn() * (to_scale / number(ctx.levels, grad.device))
        return _threshold_backward(through / scale, positive, 0.0), to_limit, None


class Forward:
    """The forward of one module of an actor, and (without gradients) what it deploys, by Brevitas itself."""

    def __init__(self, module: nn.Module):
        self.module: Any = module

    def __call__(self, x: Tensor) -> Tensor:
        """What ``module(x)`` returns outside autocast, float32."""
        with torch.autocast(x.device.type, enabled=False):
            return self.module(x.float())

    def weight_codes(self) -> tuple[Tensor, Tensor]:
        """Integer weights as float32 [out, in] and their scale, [] or [out, 1]."""
        quantised = self.module.quant_weight()
        return torch.round(quantised.value / quantised.scale), quantised.scale

    def act_scale(self) -> Tensor:
        """Step between codes of an activation, float32 []."""
        return self.module.act_quant.scale()


class _Input(Forward):
    """An input quantiser; observations need no gradient."""

    def __init__(self, module: nn.Module):
        super().__init__(module)
        self.scale = float(self.module.act_quant.scale())
        self.top = 2 ** (int(self.module.act_quant.bit_width()) - 1)

    def __call__(self, x: Tensor) -> Tensor:
        return torch.round(x.float() / self.scale).clamp_(-self.top, self.top - 1) * self.scale


class _Linear(Forward):
    """A dense layer; the product runs in autocast's type."""

    def __init__(self, module: nn.Module, per_channel: bool):
        super().__init__(module)
        self.levels = 2 ** (int(self.module.weight_quant.bit_width()) - 1) - 1
        self.per_channel = per_channel

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x, self._weight(), self.module.bias)

    def _weight(self) -> Tensor:
        if torch.is_grad_enabled():
            return _QuantWeight.apply(self._rows(), self.levels, self.per_channel)
        codes, scale = _weight_codes(self._rows(), self.levels, self.per_channel)
        return codes.mul_(scale)

    def _rows(self) -> Tensor:
        """The float weights [out, in]."""
        return self.module.weight

    def weight_codes(self) -> tuple[Tensor, Tensor]:
        return _weight_codes(self._rows(), self.levels, self.per_channel)


class _Convolution(_Linear):
    """A convolution, likewise. Its weights are quantised as a matrix with one row per output channel."""

    def __call__(self, x: Tensor) -> Tensor:
        return self.module._conv_forward(x, self._weight().view_as(self.module.weight), self.module.bias)

    def _rows(self) -> Tensor:
        return self.module.weight.flatten(1)

    def weight_codes(self) -> tuple[Tensor, Tensor]:
        """Integer weights as float32 [out, in, kernel height, kernel width] and their scale, [] or [out, 1]."""
        codes, scale = _weight_codes(self._rows(), self.levels, self.per_channel)
        return codes.view_as(self.module.weight), scale


class _Plain(Forward):
    """A module that computes the same in both modes."""

    def __call__(self, x: Tensor) -> Tensor:
        return self.module(x)


class _Activation(Forward):
    """A hidden activation."""

    def __init__(self, module: nn.Module):
        super().__init__(module)
        self.levels = 2 ** int(self.module.act_quant.bit_width()) - 1
        self.limit = next(module.parameters())

    def __call__(self, x: Tensor) -> Tensor:
        x = x.float()
        if torch.is_grad_enabled():
            return _QuantReLU.apply(x, self.limit, self.levels)
        scale = self.act_scale()
        return _relu_codes(x, scale, self.levels)[-1].mul_(scale)

    def act_scale(self) -> Tensor:
        return self.limit.abs() / number(self.levels, self.limit.device)


def forward(module: nn.Module) -> Forward:
    """The fast forward of ``module`` if it is built like one that :func:`_covered` names, else Brevitas' own.

    Looks at the module once: one whose parts are replaced later needs another call.
    """
    anatomy = _anatomy(module)
    return next((make(module) for make, covered in _covered() if anatomy == covered), Forward(module))


@functools.cache
@torch.random.fork_rng(devices=[])          # new modules draw their weights: a seed must mean the same before and after
def _covered() -> tuple[tuple[Callable[[nn.Module], Forward], Any], ...]:
    """Each fast forward and the anatomy of the modules that it equals, whatever their bits and sizes."""
    layer = functools.partial(qnn.QuantLinear, 1, 1, bias=True)
    filters = functools.partial(qnn.QuantConv2d, 1, 1, 1, bias=True)
    observed = qnn.QuantIdentity(act_quant=Int8ActPerTensorFloatMinMaxInit, min_val=-1.0, max_val=1.0,
                                 scaling_impl_type=ScalingImplType.CONST)
    return (
        (_Input, _anatomy(observed)),
        (_Activation, _anatomy(qnn.QuantReLU(act_quant=Uint8ActPerTensorFloatMaxInit, max_val=1.0))),
        (functools.partial(_Linear, per_channel=False), _anatomy(layer(weight_quant=Int8WeightPerTensorFloat))),
        (functools.partial(_Linear, per_channel=True), _anatomy(layer(weight_quant=Int8WeightPerChannelFloat))),
        (functools.partial(_Convolution, per_channel=False), _anatomy(filters(weight_quant=Int8WeightPerTensorFloat))),
        (functools.partial(_Convolution, per_channel=True), _anatomy(filters(weight_quant=Int8WeightPerChannelFloat))),
        (_Plain, _anatomy(Pixels(()))), (_Plain, _anatomy(nn.Flatten())))


def _anatomy(module: nn.Module) -> Any:
    """Every part of a module: its place, its type and its constants, but for sizes and the training flag."""
    varying = ("training", "in_features", "out_features", "in_channels", "out_channels")
    return [(name, type(part), {key: value for key, value in vars(part).items()
                                if isinstance(value, (bool, int, float, str, type(None))) and key not in varying})
            for name, part in module.named_modules()]
