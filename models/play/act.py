"""Acting on raw observations with a trained actor, as the host and the hardware will."""
from __future__ import annotations

import numpy as np
import torch
from torch import nn

from quarl.host.devices.interface import Device
from quarl.host.policy import ActionSpace, Policy, codec, integer
from quarl.models.export.integer_program import head
from quarl.models.play.rollouts import Act
from quarl.models.tasks.normalise import FoldedVecNormalize


def act_in_torch(actor: nn.Module, normaliser: FoldedVecNormalize, algo: str, action: ActionSpace) -> Act:
    """Raw observations [N, n] to deterministic actions, through ``actor`` in eval mode."""
    actor.eval()
    device = next(actor.parameters()).device

    def act(observations: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            values = actor(torch.from_numpy(normaliser.normalize_obs(observations)).to(device)).cpu().numpy()
        return codec.act(head(algo, action), action, values)
    return act


def act_on(device: Device, policy: Policy) -> Act:
    """Raw observations [N, n] to actions, through an open device, one after the other."""
    def act(observations: np.ndarray) -> np.ndarray:
        codes = codec.encode(policy, observations)
        return codec.decode(policy, np.stack([device.step(row).accumulators for row in codes]))[1]
    return act


def act_in_integers(policy: Policy) -> Act:
    """Raw observations [N, n] to actions, through the integer reference."""
    def act(observations: np.ndarray) -> np.ndarray:
        return codec.decode(policy, integer.accumulators(policy, codec.encode(policy, observations)))[1]
    return act
