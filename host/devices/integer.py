"""The integer program on the processor as a device: the CPU's baseline."""
from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np

from quarl.host.accelerator import native
from quarl.host.accelerator.native_integer import Program
from quarl.host.devices.interface import Device, Reply, check_codes, closed
from quarl.host.policy import Policy, codec, integer


class IntegerDevice(Device):
    """Computes each step in C, compiled at the first use, or in numpy where there is no compiler.

    Computes many as one batch. Has no clock, so it reports no cycles.
    """

    name = "integer"

    def __init__(self, policy: Policy):
        self.policy = policy
        self._inferences: Optional[int] = None     # None while closed
        self._native: Optional[native.Native] = None
        self._program: Optional[Program] = None
        self._actor: Optional[Callable[[Any], Optional[Tuple[Any, np.ndarray]]]] = None

    def open(self) -> None:
        if self._inferences is not None:
            return
        library = native.compiled()
        if library is not None:
            self._native = native.Native(library, self.policy)
            self._program = Program(self._native)
            self._actor = self._program.actor()
        self._inferences = 0

    def close(self) -> None:
        self._inferences = self._native = self._program = self._actor = None

    def step(self, codes: np.ndarray) -> Reply:
        return self._infer(codes, False)[0]

    def step_many(self, codes: np.ndarray) -> List[Reply]:
        return self._infer(codes, True)

    def _infer(self, codes: np.ndarray, batch: bool) -> List[Reply]:
        done = self._opened()
        check_codes(self.policy, codes, batch)
        rows = codes.reshape(-1, self.policy.features)
        found = self._program.accumulators(rows) if self._program else integer.accumulators(self.policy, rows)
        self._inferences = done + len(rows)
        return [Reply(row) for row in found]

    def encode(self, observation: Any) -> np.ndarray:
        return self._native.encode(observation) if self._native else codec.encode(self.policy, observation)

    def act(self, observation: Any) -> Tuple[Any, Reply]:
        done = self._opened()
        found = self._actor(observation) if self._actor else None
        if found is None:
            return super().act(observation)
        self._inferences = done + 1
        action, accumulators = found
        return action, Reply(accumulators)

    def reset(self) -> None:
        self._opened()
        self._inferences = 0

    def stats(self) -> Dict[str, Any]:
        return {"inferences": self._opened(), "step": "numpy" if self._program is None else "c"}

    def _opened(self) -> int:
        if self._inferences is None:
            raise closed()
        return self._inferences
