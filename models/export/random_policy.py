"""Random quantised policies with trained-like numbers, to exercise hardware without training."""
from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from quarl.host import policy as package
from quarl.host.files import PathLike
from quarl.host.policy import ActionSpace, Policy
from quarl.models.actors.bits import Bits
from quarl.models.actors.quantised import QuantActor
from quarl.models.export.integer_program import extract
from quarl.models.export.package import qonnx_bytes

SATURATED = 0.01      # share of hidden activations that reach the top code
BIAS = 0.3            # standard deviation of the biases; the outputs' is about 1


def random_actor(dims: Sequence[int], bits: Bits, seed: int, bias: float = BIAS) -> QuantActor:
    """An actor of sizes ``dims`` whose hidden codes spread over their whole range on standard-normal inputs.

    Biases are normal with the standard deviation ``bias`` (0: all channels of a layer share their thresholds) and
    activation scales come from data, as training would leave them. Equal arguments give equal actors; the global
    random state is left alone.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        network = nn.Sequential()
        for inputs, outputs in itertools.pairwise(dims):
            layer = nn.Linear(inputs, outputs)
            layer.weight.normal_(std=inputs ** -0.5)
            layer.bias.normal_(std=bias)
            network.extend([layer, nn.ReLU()])
        actor = QuantActor.from_float(network[:-1], bits)
        x = torch.randn(512, dims[0])
        for module in actor:
            if module in actor.activations:
                reach = torch.quantile(torch.relu(x), 1 - SATURATED).clamp(min=0.1)
                for parameter in module.parameters():
                    parameter.copy_(reach)
            x = module(x)
    return actor.eval()


def random_policy(dims: Sequence[int], bits: Bits, seed: int, bias: float = BIAS) -> tuple[QuantActor, Policy]:
    """The actor and its policy: task ``random``, inputs in standard deviations, head ``argmax``."""
    actor = random_actor(dims, bits, seed, bias)
    scale = np.full(dims[0], 1 / actor.input_scale, np.float32)
    policy = extract(actor, scale, np.zeros_like(scale), (dims[0],), ActionSpace("discrete", dims[-1]),
                     "random", "random", {"seed": seed})
    return actor, policy


def random_package(dims: Sequence[int], bits: Bits, seed: int, folder: PathLike, bias: float = BIAS) -> Path:
    """Write the policy of :func:`random_policy` as a package in ``folder`` and return it."""
    actor, policy = random_policy(dims, bits, seed, bias)
    package.write(policy, folder, qonnx_bytes(actor))
    return Path(folder)
