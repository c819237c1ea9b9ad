"""The accelerator on a Zynq board: its bridge's registers, mapped into this process."""
from __future__ import annotations

import mmap
import os
import platform
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

from quarl.host.accelerator import handoff as hwh
from quarl.host.accelerator import native, registers
from quarl.host.accelerator.geometry import Geometry
from quarl.host.accelerator.handoff import Window
from quarl.host.devices import temperature
from quarl.host.devices.bridge import BridgeDevice, Registers, Stepper, check_done
from quarl.host.devices.interface import Reply
from quarl.host.errors import ToolError, UserError
from quarl.host.files import PathLike
from quarl.host.policy import Policy, codec

BITSTREAM = "accel.bit"
_MEMORY = Path("/dev/mem")
_DEVICE_TREE = Path("/proc/device-tree/compatible")
_MANAGER = Path("/sys/class/fpga_manager/fpga0/state")


class MappedRegisters(Registers):
    """Registers as an array of 32-bit words, read and written one word at a time.

    ``owner`` is what must live as long as the mapping. With ``functions`` a step is one call of C.
    """

    def __init__(self, array: Any, owner: Any, functions: Optional[native.Native]):
        self._array, self._owner, self._native = array, owner, functions

    def read(self, address: int) -> int:
        return int(self._array[address >> 2])

    def write(self, address: int, value: int) -> None:
        self._array[address >> 2] = value

    def stepper(self, geometry: Geometry) -> Stepper:
        if self._native is None:
            return super().stepper(geometry)
        return self._native.stepper(geometry, self._array.ctypes.data)

    def close(self) -> None:
        self._array = self._owner = None


def need_root() -> None:
    """Raise :class:`UserError` unless this process may map the hardware."""
    if os.geteuid() != 0:
        raise UserError("the board's hardware needs the rights of root", "user %d" % os.geteuid(),
                        "run the command with `sudo -E`")


def check_version(version: str) -> None:
    """Raise :class:`ToolError` unless this version of PYNQ serves this board."""
    if int(version.split(".")[0]) >= 4 and platform.machine() == "armv7l":
        raise ToolError("a Zynq-7000 board needs PYNQ 2.7 to 3.1: PYNQ 4 has dropped Zynq-7000", "PYNQ %s" % version,
                        "write the image of PYNQ 3.1 to the board's card")


def import_pynq() -> Any:
    """The package pynq, None where it is not installed. Raises :class:`ToolError` if it does not serve this board."""
    try:
        import pynq
    except ImportError:
        return None
    check_version(str(getattr(pynq, "__version__", "0")))
    return pynq


def bitstream(accel: Path) -> Path:
    """The bitstream in the folder. Raises :class:`UserError` where there is none."""
    path = accel / BITSTREAM
    if not path.is_file():
        raise UserError("the board needs the accelerator's bitstream", "no %s" % path,
                        "build it with `quarl build RUN --target bitstream`")
    return path


def loaded(load: Callable[[], Any]) -> Any:
    """What ``load`` returns, which makes pynq load a bitstream. Raises ``ToolError`` or ``UserError``."""
    need_root()
    try:
        return load()
    except (RuntimeError, OSError, ValueError, KeyError, AttributeError) as error:
        if isinstance(error, UserError):
            raise
        raise ToolError("pynq must load the bitstream", "%s: %s" % (type(error).__name__, error),
                        "run it on the board that the bitstream was built for") from error


class PynqDevice(BridgeDevice):
    """A built accelerator on the board.

    With the package pynq the bitstream is loaded. Without it the one that is loaded is used, through /dev/mem.
    A step is one call of C, compiled at the first use, or done in Python where there is no compiler.
    """

    name = "pynq"

    def __init__(self, policy: Policy, accel: PathLike):
        super().__init__(policy, accel)
        self._native: Optional[native.Native] = None
        self._actor: Optional[native.Actor] = None

    def attach(self) -> Registers:
        pynq = import_pynq()
        window = self._window()
        library = native.compiled()
        self._native = native.Native(library, self.policy) if library else None
        if pynq is not None:
            overlay = loaded(lambda: pynq.Overlay(str(bitstream(self.accel))))
            mapped = pynq.MMIO(window.base, window.size)
            array, owner = mapped.array, (overlay, mapped)
        else:
            array, owner = _memory(window), None
        geometry = self.description.geometry
        self._actor = self._native.actor(geometry, array.ctypes.data) if self._native else None
        return MappedRegisters(array, owner, self._native)

    def _window(self) -> Window:
        need = registers.OBSERVATION + 4 * self.description.geometry.observation.words
        handoff = (self.accel / BITSTREAM).with_suffix(".hwh")
        if not handoff.exists():
            return Window(self.description.base_address or hwh.DEFAULT_BASE, max(0x1000, need))
        window = hwh.bridge(handoff)
        if window.size < need:
            raise UserError("the bridge's window must hold an observation: %d bytes" % need, "%d bytes" % window.size,
                            "build the bitstream again with `quarl build RUN --target bitstream`")
        return window

    def encode(self, observation: Any) -> np.ndarray:
        return self._native.encode(observation) if self._native else codec.encode(self.policy, observation)

    def act(self, observation: Any) -> Tuple[Any, Reply]:
        self._opened()
        done = self._actor(observation) if self._actor else None
        if done is None:
            return super().act(observation)
        action, accumulators, status, cycles = done
        check_done(status)
        return action, Reply(accumulators, cycles)

    def stats(self) -> Dict[str, Any]:
        found = dict(super().stats(), step="python" if self._native is None else "c")
        degrees = temperature.celsius()
        return found if degrees is None else dict(found, temperature_c=degrees)


def _memory(window: Window) -> np.ndarray:
    """The registers of the bitstream that is loaded, as words. Raises ``ToolError`` or ``UserError``."""
    kind = _DEVICE_TREE.read_bytes() if _DEVICE_TREE.exists() else b""
    if b"xlnx,zynq" not in kind:        # on any other machine the same addresses are something else
        raise ToolError("the pynq device must run on a Zynq board", "a machine of another kind",
                        "run it on the board, or choose --device emulator")
    need_root()
    state = _MANAGER.read_text().strip() if _MANAGER.exists() else "operating"
    if state != "operating":            # an access to an empty fabric stops the processor for ever
        raise ToolError("without the package pynq, a bitstream must be loaded before", "the FPGA in state %s" % state,
                        "install pynq, or load accel.bit first")
    try:
        handle = os.open(str(_MEMORY), os.O_RDWR | os.O_SYNC)
        try:
            mapped = mmap.mmap(handle, window.size, offset=window.base)
        finally:
            os.close(handle)
    except OSError as error:
        raise ToolError("the bridge's registers must be mapped", "%s at %s" % (error.strerror, _MEMORY),
                        "use a kernel with /dev/mem, or install pynq") from error
    return np.frombuffer(mapped, np.uint32)
