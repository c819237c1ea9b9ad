"""Mixed-precision training: matrix products in 16 bits, quantisers, losses and weights in 32."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from quarl.host.errors import UserError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# Gradients below fp16's least number, 6e-8, would be lost; a power of two, so that nothing is rounded.
GRADIENT_SCALE = 1024.0
# Stable-Baselines3's names of the layers that a loss reads.
_HEADS = {"policy_net", "action_net", "value_net", "q_net", "mu", "log_std"}


def check(precision: str, device: torch.device) -> None:
    """Raise :class:`UserError` for an unknown precision, or one that ``device`` has no fast arithmetic for."""
    if precision not in DTYPES:
        raise UserError("the precision must be one of " + ", ".join(DTYPES), precision, "choose one with --precision")
    if precision == "fp16" and device.type == "cpu":
        raise UserError("fp16 needs a GPU: a CPU converts every number and is 5 to 13 times slower than in fp32",
                        "device cpu", "train with --precision bf16, or on a GPU")


class MixedPrecision:
    """Mixin over a Stable-Baselines3 algorithm: ``precision`` is that of the matrix products of ``train()``.

    Rollouts stay in fp32: they are what is deployed.
    """

    precision = "fp32"

    def train(self, *args: Any, **kwargs: Any) -> None:
        """One call of the algorithm's own ``train``."""
        dtype = DTYPES[self.precision]
        if dtype == torch.float32:
            super().train(*args, **kwargs)                      # type: ignore[misc]
            return
        policy: nn.Module = self.policy                         # type: ignore[attr-defined]
        with contextlib.ExitStack() as stack:
            stack.enter_context(_full_outputs(policy))
            if dtype == torch.float16:
                stack.enter_context(scaled_gradients(_parameters(self)))
            stack.enter_context(torch.autocast(self.device.type, dtype))       # type: ignore[attr-defined]
            super().train(*args, **kwargs)                      # type: ignore[misc]


def _parameters(model: Any) -> list[Tensor]:
    """All that the losses of ``model`` have a gradient for: SAC's entropy coefficient is not in its policy."""
    entropy = getattr(model, "log_ent_coef", None)
    return [*model.policy.parameters(), *([] if entropy is None else [entropy])]


@contextlib.contextmanager
def _full_outputs(policy: nn.Module) -> Iterator[None]:
    """What losses read is float32."""
    named = [(name.split(".")[-1], module) for name, module in policy.named_modules()]
    heads = [module for name, module in named if name in _HEADS or name.startswith("qf")]
    handles = [head.register_forward_hook(lambda module, inputs, output: output.float()) for head in heads]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def scaled_gradients(parameters: list[Tensor]) -> Iterator[None]:
    """Meanwhile, losses are scaled up as their gradients are made, and each parameter's gradient is scaled back.

    A gradient that overflows is taken for 0. Losses must be differentiated with ``loss.backward()``, as all of
    Stable-Baselines3's algorithms do; they offer no other place for it.
    """
    def restored(gradient: Tensor) -> Tensor:
        return torch.nan_to_num(gradient / GRADIENT_SCALE, nan=0.0, posinf=0.0, neginf=0.0)

    def scaled(loss: Tensor, *args: Any, **kwargs: Any) -> None:
        backward(loss * GRADIENT_SCALE, *args, **kwargs)

    backward = Tensor.backward
    handles = [p.register_hook(restored) for p in parameters if p.requires_grad]
    Tensor.backward = scaled
    try:
        yield
    finally:
        Tensor.backward = backward
        for handle in handles:
            handle.remove()
