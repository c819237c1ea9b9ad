"""What every device with our AXI4-Lite bridge shares: the checks at open, a step over registers, reset, counters."""
from __future__ import annotations

import abc
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

from quarl.host.accelerator import description as accelerator
from quarl.host.accelerator import registers
from quarl.host.accelerator.geometry import Geometry
from quarl.host.devices.interface import Device, Reply, check_codes, closed
from quarl.host.errors import ToolError, UserError
from quarl.host.files import PathLike
from quarl.host.policy import Policy

Stepper = Callable[[np.ndarray], Tuple[np.ndarray, int, int]]
_GOOD = registers.STATUS_DONE | registers.STATUS_AUTO_START
_BAD = registers.STATUS_BUSY | registers.STATUS_OVERRUN | registers.STATUS_TIMEOUT
_ALL_ONES = 0xFFFFFFFF
_BUILD = "build the accelerator again with `quarl build RUN`"


class Registers(abc.ABC):
    """The bridge's 32-bit registers, wherever they are."""

    @abc.abstractmethod
    def read(self, address: int) -> int:
        """The register at a byte offset."""

    @abc.abstractmethod
    def write(self, address: int, value: int) -> None:
        """Write the register at a byte offset."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of them. Closing twice does nothing."""

    def idle(self, cycles: int) -> None:
        """Let ``cycles`` pass. On real hardware they do, while Python gets here."""
        return None

    def stepper(self, geometry: Geometry) -> Stepper:
        """A function that does one inference, with CTRL_AUTO_START set.

        It takes codes [features] and returns accumulators int32 [out], the answer of WAIT and LATENCY_LAST. The
        accumulators are those of the codes if the answer says so: see :func:`check_done`.
        """
        observation, action = geometry.observation, geometry.action
        frame = np.zeros(4 * observation.words, np.uint8)
        inputs = [registers.OBSERVATION + 4 * i for i in range(observation.words)]
        outputs = [registers.ACTION + 4 * i for i in range(action.words)]
        words, body, read, write = frame.view("<u4"), frame[:observation.frame_bytes], self.read, self.write

        def step(codes: np.ndarray) -> Tuple[np.ndarray, int, int]:
            body[:] = observation.pack(codes)[0]
            for address, word in zip(inputs, words.tolist()):
                write(address, word)
            status = read(registers.WAIT)
            result = np.array([read(address) for address in outputs], "<u4").view(np.uint8)
            return action.unpack(result[:action.frame_bytes])[0], status, read(registers.LATENCY_LAST)

        return step


def check_done(status: int) -> None:
    """Raise :class:`ToolError` unless the answer of WAIT says that the inference is done.

    Else the words of the action would be those of an earlier one.
    """
    if status & (_GOOD | _BAD) != _GOOD:
        found = [name for name, flag in (("a timeout", registers.STATUS_TIMEOUT),
                                         ("an overrun", registers.STATUS_OVERRUN)) if status & flag]
        raise ToolError("every inference must be done within TIMEOUT cycles of its start",
                        "%s (STATUS 0x%08x)" % (" and ".join(found) or "none that was started", status),
                        "reset the device; if it comes again, build with `quarl build` and report it")


def described(policy: Policy, accel: PathLike) -> accelerator.Accelerator:
    """``accel.json`` of the folder. Raises :class:`UserError` where it is missing or of another policy."""
    description = accelerator.read(accel)
    if description.policy_hash != policy.hash:
        raise UserError("the accelerator must be built from this policy (hash %s…)" % policy.hash[:12],
                        description.policy_hash[:12] + "…", "build it again with `quarl build RUN`")
    return description


class BridgeDevice(Device):
    """A built accelerator behind the bridge. Who derives from it says how to get at the registers."""

    def __init__(self, policy: Policy, accel: PathLike):
        self.policy, self.accel = policy, Path(accel)
        self._registers: Optional[Registers] = None

    @abc.abstractmethod
    def attach(self) -> Registers:
        """The registers of the accelerator in ``self.description``. Raises ``ToolError`` or ``UserError``."""

    def open(self) -> None:
        if self._registers is not None:
            return
        self.description = described(self.policy, self.accel)
        self._registers = self.attach()
        try:
            self._check()
            self._registers.write(registers.TIMEOUT, max(registers.DEFAULT_TIMEOUT,
                                                         4 * self.description.latency_cycles + 10000))
            self._step = self._registers.stepper(self.description.geometry)
            self.reset()        # whatever an earlier owner of the hardware left
        except BaseException:
            self.close()
            raise

    def _check(self) -> None:
        """The hardware must be this version's bridge around this policy's accelerator. Raises :class:`ToolError`."""
        geometry, read = self.description.geometry, self._opened().read
        if read(registers.ID) == _ALL_ONES:
            raise ToolError("the bridge must answer at its address", "a register read of all ones",
                            "load the accelerator's bitstream: none may be loaded, or it has no bridge at this "
                            "address, or its clock is off")
        size = (geometry.action.frame_bytes << registers.GEOMETRY_ACTION_SHIFT
                | geometry.observation.frame_bytes << registers.GEOMETRY_OBSERVATION_SHIFT)
        for name, mask, expected in (("ID", _ALL_ONES, registers.ID_VALUE),
                                     ("VERSION", 0xFFFF0000, registers.VERSION_VALUE),
                                     ("BUILD_ID", _ALL_ONES, self.policy.build_id), ("GEOMETRY", _ALL_ONES, size)):
            found = read(getattr(registers, name))
            if (found ^ expected) & mask:
                raise ToolError("register %s must read 0x%08x" % (name, expected), "0x%08x" % found, _BUILD)

    def _opened(self) -> Registers:
        if self._registers is None:
            raise closed()
        return self._registers

    def step(self, codes: np.ndarray) -> Reply:
        self._opened()
        check_codes(self.policy, codes)
        accumulators, status, cycles = self._step(codes)
        check_done(status)
        return Reply(accumulators, cycles)

    def reset(self) -> None:
        opened = self._opened()
        opened.write(registers.CTRL, registers.CTRL_SOFT_RESET | registers.CTRL_AUTO_START)
        # The bridge would count the rest of the reset as latency of the first inference.
        opened.idle(registers.RECOVERY_CYCLES)

    def stats(self) -> Dict[str, Any]:
        """The bridge's counters; the latencies are in cycles, None before the first inference. ``cycles`` and
        ``stall_cycles`` are those since the hardware was started, and since the last reset. ``accelerator`` is the
        hash of its description."""
        read = self._opened().read
        count = read(registers.COUNT)
        return {"inferences": count,
                "latency_min": read(registers.LATENCY_MIN) if count else None,
                "latency_max": read(registers.LATENCY_MAX) if count else None,
                "latency_sum": read(registers.LATENCY_SUM_LO) | read(registers.LATENCY_SUM_HI) << 32,
                "cycles": read(registers.CYCLES_LO) | read(registers.CYCLES_HI) << 32,
                "stall_cycles": read(registers.STALL), "accelerator": self.description.hash}

    def close(self) -> None:
        if self._registers is not None:
            self._registers.close()
            self._registers = None
