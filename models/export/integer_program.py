"""From a trained actor to the integer program that defines its policy."""
from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

from quarl.host.policy import ActionSpace, Layer, Policy
from quarl.models.actors.quantised import QuantActor, Stage


def thresholds(activation: Any, stage: Stage, levels: int) -> np.ndarray:
    """Accumulators at which the code reaches 1 .. ``levels``, int32 [out, levels], ascending along each row.

    Found by evaluating the trained activation itself, not by a formula, which would get half-way ties wrong. Each
    channel is searched over [-bound, bound], its own largest accumulator: -bound where the code is always reached,
    bound + 1 where it never is. The activation is monotone, so a binary search finds the first accumulator.
    """
    bound = stage.channel_bounds().numpy()[:, None]
    low = np.broadcast_to(-bound, (len(bound), levels)).copy()
    high = np.broadcast_to(bound + 1, (len(bound), levels)).copy()
    level = np.arange(1, levels + 1)
    scale = activation.act_quant.scale().detach()
    while np.any(low < high):
        middle = (low + high) // 2
        acc = torch.from_numpy(np.ascontiguousarray(middle.T)).to(stage.weights.dtype)
        with torch.no_grad():
            output = activation(stage.preactivation(acc))
        reached = np.round((output / scale).numpy().T) >= level
        high = np.where(reached, middle, high)
        low = np.where(reached, low, np.minimum(middle + 1, high))
    return low.astype(np.int32)


def layers(actor: QuantActor) -> tuple[Layer, ...]:
    """The actor's integer layers."""
    found = []
    stages = actor.stages()
    widths = actor.bits.weights(len(stages)), (*actor.bits.acts(len(stages)), None)
    for stage, activation, weight, act in zip(stages, [*actor.activations, None], *widths, strict=True):
        codes = stage.weights.numpy().astype(np.int8)
        if act is None:
            found.append(Layer(codes, weight))
        else:
            found.append(Layer(codes, weight, thresholds(activation, stage, 2 ** act - 1), act, stage.stride))
    return tuple(found)


def head(algo: str, action: ActionSpace) -> str:
    """The action head: ``argmax`` for a discrete space; for a box, ``clip`` or what the algorithm trained, ``tanh``."""
    if action.kind == "discrete":
        return "argmax"
    return "tanh" if algo in ("ddpg", "td3", "sac") else "clip"


def extract(actor: QuantActor, encode_scale: np.ndarray, encode_offset: np.ndarray, observation_shape: tuple[int, ...],
            action: ActionSpace, task: str, algo: str, provenance: dict[str, Any],
            environment: dict[str, Any] | None = None) -> Policy:
    """The policy that ``actor`` deploys; ``environment`` is what the task is made with.

    ``encode_scale`` and ``encode_offset`` are float32 [n], from ``FoldedVecNormalize.fold``;
    empty for pixels.
    """
    if actor.linears[0].weight.device.type != "cpu":
        actor = copy.deepcopy(actor).cpu()
    last = actor.stages()[-1]
    return Policy(
        task=task, algo=algo, input_bits=actor.bits.input, observation_shape=tuple(observation_shape), action=action,
        head=head(algo, action), encode_scale=np.asarray(encode_scale, np.float32).reshape(-1),
        encode_offset=np.asarray(encode_offset, np.float32).reshape(-1), layers=layers(actor),
        decode_scale=np.broadcast_to(last.scale.numpy(), action.size).astype(np.float32),
        decode_bias=last.bias.numpy().copy(), environment=environment or {}, provenance=provenance)
