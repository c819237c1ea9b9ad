"""A device as Stable-Baselines3 and evaluation loops made for it see a policy: an object with ``predict``."""
from __future__ import annotations

from typing import Any, Tuple

import numpy as np

from quarl.host.devices.interface import Device
from quarl.host.policy import codec


class Predictor:
    """Plays the policy of an open ``device``; ``evaluate_policy(Predictor(device), env)`` takes it as it is.

    Observations are the environment's own: a normalisation of the training is part of the policy, so the environment
    needs no ``VecNormalize``. Actions are the environment's own as well, clipped or scaled into its box.
    """

    def __init__(self, device: Device):
        self.device = device

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None,
                deterministic: bool = True) -> Tuple[Any, Any]:
        """The action of one observation, or the actions of a batch as vectorised environments give it, and ``state``.

        Actions are int64, of a batch [N], or float32 [size], of a batch [N, size]. A device has one answer to an
        observation, whatever ``deterministic`` asks for, and no state. Raises :class:`UserError` for an observation
        that does not fit the policy.
        """
        one = np.shape(observation) == self.device.policy.observation_shape
        if one or np.shape(observation)[:1] == (1,):          # a device is fastest when it is asked for the action
            action, _ = self.device.act(observation if one else observation[0])
            return (action if one else np.array([action])), state
        replies = self.device.step_many(self.device.encode(observation))
        return codec.decode(self.device.policy, np.array([reply.accumulators for reply in replies]))[1], state
