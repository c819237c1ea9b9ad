"""The quantised actor that sees: strided convolutions, then dense layers, from pixels to outputs."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from quarl.host.errors import UserError
from quarl.models.actors import quantisers
from quarl.models.actors.bits import HIGHEST, Bits
from quarl.models.actors.quantised import QuantActor
from quarl.models.actors.quantisers import WHITE, Pixels

Filters = Sequence[Sequence[int]]      # per convolution: output channels, kernel, stride


class QuantConvActor(QuantActor):
    """``Pixels, [QuantConv2d, QuantReLU]+, Flatten, [QuantLinear, QuantReLU]*, QuantLinear``: a :class:`QuantActor`.

    It reads pixels [N, channels, height, width] of any type, 0 .. 255, which are their own codes; the first layer's
    scale has the 255 that brings them to 1. Raises :class:`UserError` for input bits other than 8.
    """

    def __init__(self, shape: Sequence[int], filters: Filters, dense: Sequence[int], bits: Bits):
        """Random layers for pixels of ``shape``; ``dense`` are the sizes of the hidden dense layers and the output."""
        check_bits(bits)
        weight, act = bits.weights(1)[0], bits.acts(2)[0]        # those of every layer
        modules = layers(
            shape, filters, dense, lambda: quantisers.hidden_activation(act),
            partial(quantisers.convolution, bits=weight, per_channel=bits.per_channel),
            partial(quantisers.linear, bits=weight, per_channel=bits.per_channel))
        self._assemble(modules[:-1], bits, 1 / WHITE)
        self.dims = (int(torch.Size(shape).numel()), *(len(layer.weight) for layer in self.linears))

    @classmethod
    def from_float(cls, network: nn.Sequential, bits: Bits) -> QuantConvActor:
        """Quantise what :func:`layers` made of ``Conv2d``, ``Linear`` and ``ReLU``, copying weights."""
        convolutions = [m for m in network if isinstance(m, nn.Conv2d)]
        linears = [m for m in network if isinstance(m, nn.Linear)]
        actor = cls(network[0].shape, [(m.out_channels, m.kernel_size[0], m.stride[0]) for m in convolutions],
                    [m.out_features for m in linears], bits)
        with torch.no_grad():
            for source, layer in zip([*convolutions, *linears], actor.linears, strict=True):
                layer.weight.copy_(source.weight)
                layer.bias.copy_(source.bias)
        return actor

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one observation, [channels, height, width]."""
        shape: tuple[int, ...] = self[0].shape
        return shape

    def encode(self, x: Tensor) -> Tensor:
        """Input codes as float32: the pixels ``x``."""
        return x.float()

    @property
    def _widest_input(self) -> int:
        return WHITE


def check_bits(bits: Bits) -> None:
    """Raise :class:`UserError` where ``bits`` do not suit pixels."""
    if not bits.uniform:
        raise UserError("a policy of pixels must have one width of weights and one of activations", bits,
                        "write for example --weight-bits 4 --act-bits 4")
    if bits.input != HIGHEST:
        raise UserError(f"a policy of pixels must have {HIGHEST} input bits", bits.input, "use --input-bits 8")


def layers(shape: Sequence[int], filters: Filters, dense: Sequence[int], activation: Callable[[], nn.Module],
           convolution: Callable[..., nn.Module], linear: Callable[..., nn.Module]) -> list[nn.Module]:
    """``Pixels``, then each layer and its activation, flattened where dense layers begin.

    ``convolution`` makes a layer of (inputs, outputs, kernel, stride), ``linear`` one of (inputs, outputs). Raises
    :class:`UserError` for a kernel that is larger than what it reads.
    """
    modules: list[nn.Module] = [Pixels(shape)]
    inputs, *size = shape
    for outputs, kernel, stride in filters:
        if kernel > min(size):
            raise UserError(f"a kernel must fit into its input of {size[0]} x {size[1]}", kernel,
                            "choose smaller kernels or strides with --set net_arch=…")
        modules += [convolution(inputs, outputs, kernel, stride), activation()]
        inputs, size = outputs, [(each - kernel) // stride + 1 for each in size]
    modules.append(nn.Flatten())
    inputs *= size[0] * size[1]
    for outputs in dense:
        modules += [linear(inputs, outputs), activation()]
        inputs = outputs
    return modules
