"""The Brevitas quantisers of a policy: input, weights and hidden activations.

They are chosen so that behaviour never depends on statistics gathered during training: collecting rollouts in eval
mode and updating in train mode must see the same policy.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from quarl.models.actors.bits import check_bits
from quarl.models.actors.quiet_brevitas import (
    Int8ActPerTensorFloatMinMaxInit,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFloat,
    QuantProxyFromInjector,
    ScalingImplType,
    Uint8ActPerTensorFloatMaxInit,
    qnn,
)

WHITE = 255            # the largest pixel
ACT_MAX_INIT = 2.0     # where a hidden activation saturates before training; the value is learned


class _ConstantInput(Int8ActPerTensorFloatMinMaxInit):
    """Signed input quantiser with a constant scale: the host does this rounding, so it must not drift."""

    scaling_impl_type = ScalingImplType.CONST


def input_scale(bits: int) -> float:
    """Step between input codes, in standard deviations: a power of two, so that dividing by it is exact.

    Codes span -4 to +4 from 3 bits up, and -2 to +1 at 2 bits.
    """
    return min(1.0, 2.0 ** (3 - check_bits("input", bits)))


def input_quantiser(bits: int) -> qnn.QuantIdentity:
    """Normalised observations to signed codes -2**(bits-1) .. 2**(bits-1)-1."""
    reach = input_scale(bits) * 2 ** (bits - 1)
    return _built(qnn.QuantIdentity(act_quant=_ConstantInput, bit_width=bits, min_val=-reach, max_val=reach))


class Pixels(nn.Module):
    """Pixels 0 .. 255 of ``shape`` to 0 .. 1. They are 8-bit numbers already: they need a scale, no quantiser."""

    def __init__(self, shape: Sequence[int]):
        super().__init__()
        self.shape = tuple(map(int, shape))

    def forward(self, x: Tensor) -> Tensor:
        """Float values of pixels in any type."""
        return x / WHITE


def hidden_activation(bits: int) -> qnn.QuantReLU:
    """ReLU to unsigned codes 0 .. 2**bits-1, scale learned from a known start."""
    check_bits("act", bits)
    return _built(qnn.QuantReLU(act_quant=Uint8ActPerTensorFloatMaxInit, bit_width=bits, max_val=ACT_MAX_INIT))


def linear(inputs: int, outputs: int, bits: int, per_channel: bool = False) -> qnn.QuantLinear:
    """Dense layer with narrow signed weights -(2**(bits-1)-1) .. 2**(bits-1)-1 and a float bias.

    The largest absolute weight, of the layer or of each output channel, sets the scale.
    """
    return _built(qnn.QuantLinear(inputs, outputs, bias=True, **_weights(bits, per_channel)))


def convolution(inputs: int, outputs: int, kernel: int | tuple[int, int], stride: int, bits: int,
                per_channel: bool = False) -> qnn.QuantConv2d:
    """Convolution without padding, with the weights and the bias of :func:`linear`."""
    return _built(qnn.QuantConv2d(inputs, outputs, kernel, stride, bias=True, **_weights(bits, per_channel)))


def _weights(bits: int, per_channel: bool) -> dict[str, Any]:
    quantiser = Int8WeightPerChannelFloat if per_channel else Int8WeightPerTensorFloat
    return {"weight_quant": quantiser, "weight_bit_width": check_bits("weight", bits)}


def _built(module: nn.Module) -> Any:
    """``module``, whose quantisers a ``load_state_dict`` does not rebuild.

    By default it does, and the learned scales become new parameters, on the CPU, that no optimiser and no target
    network's update knows. Ours have nothing to rebuild. Brevitas' own setting would be of the whole process.
    """
    for part in module.modules():
        if isinstance(part, QuantProxyFromInjector):
            part.init_tensor_quant = _nothing
    return module


def _nothing() -> None:
    """In the place of ``init_tensor_quant`` where all is built."""
