"""The quantised actor: Brevitas modules to train, exact integer arithmetic to deploy."""
from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from quarl.host.content import Content
from quarl.host.errors import UserError
from quarl.models.actors import fast_forward, quantisers
from quarl.models.actors.bits import Bits
from quarl.models.actors.quiet_brevitas import qnn


@dataclasses.dataclass(frozen=True, eq=False)
class Stage(Content):
    """One deployed layer: ``pre = (weights @ codes) * scale + bias``, then ReLU and rounding unless it is the last.

    ``weights`` holds whole numbers [out, in], as float32 while every partial sum stays below 2**24, else as float64;
    ``scale`` is float32, [] or, with weights per channel, [out]; ``bias`` float32 [out]. ``act_scale`` is None for
    the last layer. ``widest_code`` is the largest absolute input code. With a ``stride`` the layer is a convolution
    without padding: its weights are [out, in, kernel height, kernel width], and [N, out, height, width] takes the
    place of [N, out].
    """

    weights: Tensor
    scale: Tensor
    bias: Tensor
    act_scale: Tensor | None
    act_max: float
    widest_code: int
    stride: int | None = None

    def channel_bounds(self) -> Tensor:
        """Largest absolute accumulator of each channel, int64 [out]."""
        return self.weights.flatten(1).abs().sum(dim=1).long() * self.widest_code

    def accumulate(self, codes: Tensor) -> Tensor:
        """Exact accumulators [N, out] as float32 or float64, from codes [N, in], or [N, ...] of as many."""
        if torch.is_autocast_enabled(codes.device.type):        # which would round codes and sums to 8 bits
            with torch.autocast(codes.device.type, enabled=False):
                return self.accumulate(codes)
        codes = codes.to(self.weights.dtype)
        if self.stride is not None:
            return _convolve(self.weights, codes, self.stride)
        return F.linear(codes.flatten(1) if codes.ndim > 2 else codes, self.weights)

    def preactivation(self, acc: Tensor) -> Tensor:
        """Float32 [N, out]: the product and the sum are rounded one after the other, as ``policy.codec`` does."""
        if acc.ndim > 2:
            return (acc.movedim(1, -1).to(torch.float32) * self.scale + self.bias).movedim(-1, 1)
        return acc.to(torch.float32) * self.scale + self.bias

    def activate(self, pre: Tensor) -> Tensor:
        """Hidden codes [N, out] as float32, by the same operations as the trained ``QuantReLU``."""
        return (torch.relu(pre) / self.act_scale).round_().clamp_(max=self.act_max)


def _convolve(weights: Tensor, codes: Tensor, stride: int) -> Tensor:
    """As ``quarl.host.policy.integer.convolve``."""
    if stride > 1 and codes.device.type == "cpu":       # exact: only where it moves by 1 does it use Winograd's method
        return F.conv2d(codes, weights, stride=stride)
    windows = codes.unfold(2, weights.shape[2], stride).unfold(3, weights.shape[3], stride)
    windows = windows.permute(0, 2, 3, 1, 4, 5)                                  # [N, H', W', in, kh, kw]
    return F.linear(windows.flatten(3), weights.flatten(1)).movedim(-1, 1)


class QuantActor(nn.Sequential):
    """``QuantIdentity, [QuantLinear, QuantReLU]*, QuantLinear``: normalised observations [N, n] to outputs [N, out].

    In train mode it computes what its Brevitas modules do, bit for bit (``actors.fast_forward``). In eval mode it
    is the *deployed torch actor*: integer arithmetic that equals ``policy.integer`` accumulator for accumulator, with
    the integer weights cached until a parameter changes, and without gradients.

    The modules' kinds are fixed at construction; their parameters may change in any way.
    """

    training: bool

    def __init__(self, dims: Sequence[int], bits: Bits):
        """Random layers of sizes ``dims`` (inputs, hidden..., outputs)."""
        layers: list[nn.Module] = [quantisers.input_quantiser(bits.input)]
        for (inputs, outputs), weight, act in itertools.zip_longest(
                itertools.pairwise(dims), bits.weights(len(dims) - 1), bits.acts(len(dims) - 1)):
            layers.append(quantisers.linear(inputs, outputs, weight, bits.per_channel))
            if act is not None:
                layers.append(quantisers.hidden_activation(act))
        self._assemble(layers, bits, quantisers.input_scale(bits.input))
        self.dims = tuple(dims)

    def _assemble(self, modules: Sequence[nn.Module], bits: Bits, input_scale: float) -> None:
        super().__init__(*modules)
        self.bits, self.input_scale = bits, input_scale
        self.linears = [m for m in self if isinstance(m, (qnn.QuantLinear, qnn.QuantConv2d))]
        self.activations = [m for m in self if isinstance(m, qnn.QuantReLU)]
        self._forwards = [fast_forward.forward(m) for m in self]
        self._tracked = list(self.parameters())
        self._cached_for: list[Tensor] = []
        self._stages: list[Stage] = []

    @classmethod
    def from_float(cls, network: nn.Sequential, bits: Bits) -> QuantActor:
        """Quantise an fp32 ``Linear, [ReLU|Tanh, Linear]*`` network, copying its weights.

        Hidden Tanh becomes ReLU. Raises :class:`UserError` for any other module.
        """
        linears = list(network)[::2]
        hidden = list(network)[1::2]
        unknown = [m for m in linears if not isinstance(m, nn.Linear)]
        unknown += [m for m in hidden if not isinstance(m, (nn.ReLU, nn.Tanh))]
        if unknown or len(linears) != len(hidden) + 1:
            raise UserError("a policy network must alternate Linear and ReLU or Tanh, Linear first and last",
                            ", ".join(type(m).__name__ for m in network), "use a multi-layer perceptron")
        actor = cls([linears[0].in_features] + [m.out_features for m in linears], bits)
        with torch.no_grad():
            for source, layer in zip(linears, actor.linears, strict=True):
                layer.weight.copy_(source.weight)
                layer.bias.copy_(source.bias if source.bias is not None else torch.zeros(source.out_features))
        return actor

    def train(self, mode: bool = True) -> QuantActor:
        """As ``nn.Module.train``, but Brevitas' deep module tree is told only where a module is left to Brevitas."""
        if self.training != mode and any(type(each) is fast_forward.Forward for each in self._forwards):
            return super().train(mode)
        self.training = mode
        return self

    def _apply(self, *arguments: Any, **keywords: Any) -> QuantActor:
        """As ``nn.Module._apply``, which moves to another device, where the cache cannot be compared."""
        self._cached_for = []
        return super()._apply(*arguments, **keywords)

    @torch.no_grad()
    def stages(self) -> list[Stage]:
        """The deployed layers for the present parameters.

        The cache compares values, because torch's version counters miss fused optimisers and writes to ``.data``.
        """
        if not (self._cached_for and all(map(torch.equal, self._tracked, self._cached_for))):
            self._stages, self._cached_for = list(self._deploy()), [p.clone() for p in self._tracked]
        return self._stages

    def _deploy(self) -> Iterator[Stage]:
        device = self._tracked[0].device
        zero, scale_in = fast_forward.number(0, device), fast_forward.number(self.input_scale, device)
        widest = self._widest_input
        widths = self.bits.weights(len(self.linears)), self.bits.acts(len(self.linears))
        forwards = {each.module: each for each in self._forwards}
        layers, activations = ([forwards[each] for each in kind] for kind in (self.linears, self.activations))
        for layer, act, weight_bits, act_bits in itertools.zip_longest(layers, activations, *widths):
            weights, scale = layer.weight_codes()
            exact = weights[0].numel() * 2 ** (weight_bits - 1) * widest < 2 ** 24
            act_max = 2 ** (act_bits or 0) - 1
            act_scale = None if act is None else act.act_scale()
            yield Stage(weights=weights if exact else weights.double(),
                        scale=(scale.flatten() if scale.ndim else scale) * scale_in,
                        bias=layer.module.bias + zero,      # turns -0.0 into 0.0: an integer zero has no sign
                        act_scale=act_scale, act_max=float(act_max), widest_code=widest,
                        stride=layer.module.stride[0] if weights.ndim == 4 else None)
            scale_in, widest = act_scale, act_max

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one observation."""
        return self.dims[:1]

    def encode(self, x: Tensor) -> Tensor:
        """Input codes [N, n] as float32 of normalised observations ``x``; equals the ``QuantIdentity``."""
        top = 2 ** (self.bits.input - 1)
        return (x / fast_forward.number(self.input_scale, x.device)).round_().clamp_(-top, top - 1)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs float32 [N, out] of normalised observations [N, n]."""
        if self.training:
            return self.output(self.hidden(x))
        *hidden, last = self.stages()
        return last.preactivation(last.accumulate(self._codes(x, hidden)))

    def hidden(self, x: Tensor) -> Tensor:
        """Activations float32 [N, in] that the last layer reads, of normalised observations [N, n]."""
        if not self.training:
            hidden = self.stages()[:-1]
            return self._codes(x, hidden) * self._code_scale(hidden)
        for step in self._forwards[:-1]:
            x = step(x)
        return x

    def output(self, hidden: Tensor) -> Tensor:
        """Outputs float32 [N, out] of what :meth:`hidden` returned in the same mode."""
        if self.training:
            return self._forwards[-1](hidden).float()
        *before, last = self.stages()
        return last.preactivation(last.accumulate((hidden / self._code_scale(before)).round_()))

    @property
    def _widest_input(self) -> int:
        """The largest absolute input code."""
        return 2 ** (self.bits.input - 1)

    def _codes(self, x: Tensor, hidden: Sequence[Stage]) -> Tensor:
        """Codes that the last layer reads, [N, in] as float32."""
        codes = self.encode(x)
        for stage in hidden:
            codes = stage.activate(stage.preactivation(stage.accumulate(codes)))
        return codes

    def _code_scale(self, hidden: Sequence[Stage]) -> Tensor | float:
        """Step between the codes that the last layer reads."""
        return hidden[-1].act_scale if hidden else self.input_scale

    @torch.no_grad()
    def trace(self, x: Tensor) -> list[tuple[Tensor, Tensor | None]]:
        """Per layer: accumulators int32 [N, out] and codes uint8 [N, out] (None for the last)."""
        codes, steps = self.encode(x), list[tuple[Tensor, Tensor | None]]()
        for stage in self.stages():
            acc = stage.accumulate(codes)
            if stage.act_scale is None:
                steps.append((acc.to(torch.int32), None))
            else:
                codes = stage.activate(stage.preactivation(acc))
                steps.append((acc.to(torch.int32), codes.to(torch.uint8)))
        return steps
