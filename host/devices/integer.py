"""The integer reference model as a device: the CPU baseline."""
from __future__ import annotations

from typing import Any, Dict, List, Optional

import numpy as np

from quarl.host.devices.interface import Device, Reply, check_codes, closed
from quarl.host.policy import Policy
from quarl.host.policy.integer import accumulators


class IntegerDevice(Device):
    """Computes each step in numpy, many at once as one batch. Has no clock, so it reports no cycles."""

    name = "integer"

    def __init__(self, policy: Policy):
        self.policy = policy
        self._inferences: Optional[int] = None     # None while closed

    def open(self) -> None:
        if self._inferences is None:
            self._inferences = 0

    def close(self) -> None:
        self._inferences = None

    def step(self, codes: np.ndarray) -> Reply:
        return self._infer(codes, False)[0]

    def step_many(self, codes: np.ndarray) -> List[Reply]:
        return self._infer(codes, True)

    def _infer(self, codes: np.ndarray, batch: bool) -> List[Reply]:
        done = self._opened()
        check_codes(self.policy, codes, batch)
        replies = [Reply(row) for row in accumulators(self.policy, codes.reshape(-1, self.policy.features))]
        self._inferences = done + len(replies)
        return replies

    def reset(self) -> None:
        self._opened()
        self._inferences = 0

    def stats(self) -> Dict[str, Any]:
        return {"inferences": self._opened()}

    def _opened(self) -> int:
        if self._inferences is None:
            raise closed()
        return self._inferences
