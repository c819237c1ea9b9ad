"""The integer reference model as a device: the CPU baseline."""
from __future__ import annotations

import numpy as np

from host.device import Device, Reply
from host.integer import accumulators
from host.policy import Policy


class IntegerDevice(Device):
    """Computes each step in numpy. Has no clock, so it reports no cycles."""

    name = "integer"

    def __init__(self, policy: Policy):
        self.policy = policy

    def open(self) -> None:
        return None

    def close(self) -> None:
        return None

    def step(self, codes: np.ndarray) -> Reply:
        return Reply(accumulators(self.policy, codes.reshape(1, -1))[0])
