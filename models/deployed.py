"""Acting on raw observations with a trained actor, as the host and the hardware will."""
from __future__ import annotations

import numpy as np
import torch
from torch import nn

from host import codec, integer
from host.policy import ActionSpace, Policy
from models.extract import head
from models.normalise import FoldedVecNormalize
from models.rollouts import Act


def act_in_torch(actor: nn.Module, normaliser: FoldedVecNormalize, action: ActionSpace) -> Act:
    """Raw observations [N, n] to deterministic actions, through ``actor`` in eval mode."""
    actor.eval()

    def act(observations: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            values = actor(torch.from_numpy(normaliser.normalize_obs(observations))).numpy()
        return codec.act(head(action), action, values)
    return act


def act_in_integers(policy: Policy) -> Act:
    """Raw observations [N, n] to actions, through the integer reference."""
    def act(observations: np.ndarray) -> np.ndarray:
        return codec.decode(policy, integer.accumulators(policy, codec.encode(policy, observations)))[1]
    return act
