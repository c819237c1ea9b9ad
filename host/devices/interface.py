"""The one interface of everything that can run a policy: the emulator, the reference, a board."""
from __future__ import annotations

import abc
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Type

import numpy as np

from quarl.host.errors import UserError
from quarl.host.policy import Policy, codec

_SIGNED, _PIXELS = np.dtype(np.int8), np.dtype(np.uint8)
_ENCODE = "encode the observation with quarl.host.policy.codec.encode"


class Reply(NamedTuple):
    """What one step returns: accumulators int32 [out], and the accelerator's latency in clock cycles if it has one.

    ``network_ns`` is the time spent on the network, of a device at its other end.
    """

    accumulators: np.ndarray
    cycles: Optional[int] = None
    network_ns: Optional[int] = None


def check_codes(policy: Policy, codes: np.ndarray, batch: bool = False) -> None:
    """Raise :class:`UserError` unless ``codes`` are input codes of ``policy``: [features], of a batch [N, features]."""
    kind = _PIXELS if policy.pixels else _SIGNED
    if codes.dtype != kind or codes.ndim != 1 + batch or codes.shape[-1] != policy.features:
        raise UserError("input codes must be %s [%s%d]" % (kind, "N, " * batch, policy.features),
                        "%s %s" % (codes.dtype, list(codes.shape)), _ENCODE)
    if policy.input_bits < 8 and codes.size:
        low, high = policy.input_range
        if codes.min() < low or codes.max() > high:
            raise UserError("input codes of %d bits must lie in [%d, %d]" % (policy.input_bits, low, high),
                            "[%d, %d]" % (codes.min(), codes.max()), _ENCODE)


def closed() -> UserError:
    """The error of using a device that is not open."""
    return UserError("a device must be open", "a closed one", "use it as a context manager, or call open()")


class Device(abc.ABC):
    """Runs a policy's integer program, one observation at a time.

    Use it as a context manager: ``with EmulatorDevice(policy, folder) as device: device.step(codes)``.
    A closed device may be opened again; every use of it but ``close`` raises :class:`UserError` before that.
    """

    name = "device"
    policy: Policy

    @abc.abstractmethod
    def open(self) -> None:
        """Acquire the hardware and check that it holds this policy. Opening twice does nothing.

        Raises ``ToolError`` or ``UserError``.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Release the hardware. Closing twice does nothing."""

    @abc.abstractmethod
    def step(self, codes: np.ndarray) -> Reply:
        """One inference of input codes int8 [features], uint8 of pixels. Raises ``UserError`` for any other array."""

    def step_many(self, codes: np.ndarray) -> List[Reply]:
        """One inference of each row of codes [N, features], in their order."""
        check_codes(self.policy, codes, batch=True)
        return [self.step(row) for row in codes]

    def encode(self, observation: Any) -> np.ndarray:
        """Input codes [N, features] of one observation or a batch, as ``codec.encode`` gives them."""
        return codec.encode(self.policy, observation)

    def act(self, observation: Any) -> Tuple[Any, Reply]:
        """Encode, step and decode in one: the action for one observation, and the reply behind it."""
        reply = self.step(self.encode(observation)[0])
        _, actions = codec.decode(self.policy, reply.accumulators.reshape(1, -1))
        return actions[0], reply

    def reset(self) -> None:
        """Abandon an inference under way and clear the counters."""
        return None

    def stats(self) -> Dict[str, Any]:
        """Counters since the last reset, by name; ``accelerator``, where there is one, is its description's hash."""
        return {}

    def __enter__(self) -> "Device":
        self.open()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Any, traceback: Any) -> None:
        self.close()
