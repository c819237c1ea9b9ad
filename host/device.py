"""The one interface of everything that can run a policy: the emulator, the reference, a board."""
from __future__ import annotations

import abc
import dataclasses
from typing import Any, Dict, Optional, Type

import numpy as np


@dataclasses.dataclass(frozen=True)
class Reply:
    """What one step returns: accumulators int32 [out], and the accelerator's latency in clock cycles if it has one."""

    accumulators: np.ndarray
    cycles: Optional[int] = None


class Device(abc.ABC):
    """Runs a policy's integer program, one observation at a time.

    Use it as a context manager: ``with EmulatorDevice(policy, folder) as device: device.step(codes)``.
    """

    name = "device"

    @abc.abstractmethod
    def open(self) -> None:
        """Acquire the hardware and check that it holds this policy. Raises ``ToolError`` or ``UserError``."""

    @abc.abstractmethod
    def close(self) -> None:
        """Release the hardware. Closing twice does nothing."""

    @abc.abstractmethod
    def step(self, codes: np.ndarray) -> Reply:
        """One inference of input codes int8 [features], uint8 of pixels."""

    def reset(self) -> None:
        """Abandon an inference under way and clear the counters."""
        return None

    def stats(self) -> Dict[str, Any]:
        """Counters since the last reset, by name."""
        return {}

    def __enter__(self) -> "Device":
        self.open()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Any, traceback: Any) -> None:
        self.close()
