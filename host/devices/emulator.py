"""The accelerator's RTL, emulated cycle by cycle behind the same registers as on the board."""
from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, Dict, Optional

import numpy as np

from host import accelerator, registers
from host.device import Device, Reply
from host.errors import ToolError, UserError
from host.files import PathLike
from host.policy import Policy

_LIBRARY = "emulator.so"


class Emulator:
    """The emulator's shared library: registers over AXI4-Lite, and the accelerator's bare streams.

    Raises :class:`ToolError` for a missing library and for any assertion that fails in the RTL.
    """

    def __init__(self, library: PathLike, data: PathLike):
        try:
            self._lib = ctypes.CDLL(str(Path(library).resolve()))
        except OSError as error:
            raise ToolError("the emulator must be a shared library built on this machine", error,
                            "build it with `quarl build RUN --target emulate`") from error
        pointer, word = ctypes.c_void_p, ctypes.c_uint32
        for name, result, arguments in (
                ("emu_new", pointer, [ctypes.c_char_p]), ("emu_free", None, [pointer]),
                ("emu_cycles", ctypes.c_uint64, [pointer]), ("emu_reset", ctypes.c_int, [pointer]),
                ("emu_idle", ctypes.c_int, [pointer, word]), ("emu_write", ctypes.c_int, [pointer, word, word]),
                ("emu_read", ctypes.c_int, [pointer, word, pointer]),
                ("emu_step", ctypes.c_int, [pointer, pointer, ctypes.c_int, pointer, ctypes.c_int, pointer]),
                ("emu_stall", ctypes.c_int, [pointer, ctypes.c_double, ctypes.c_double, word]),
                ("emu_stream", ctypes.c_int64, [pointer, pointer, ctypes.c_int64, ctypes.c_int, pointer,
                                                ctypes.c_int64, ctypes.c_int, pointer, pointer, ctypes.c_int64]),
                ("emu_error", ctypes.c_char_p, [pointer])):
            function = getattr(self._lib, name)
            function.restype, function.argtypes = result, arguments
        self._handle: Optional[int] = self._lib.emu_new(str(Path(data).resolve()).encode())
        self.check(0 if self._handle else -1)

    def check(self, status: int) -> int:
        """Return ``status``, or raise the emulator's own error text."""
        text = (self._lib.emu_error(self._handle) or b"").decode(errors="replace") if self._handle else "no handle"
        if status < 0 or text:
            raise ToolError("the emulated RTL must run without an error", text or "status %d" % status,
                            "reset the device; if it comes again, build with `quarl build` and report it")
        return status

    @property
    def cycles(self) -> int:
        """Clock cycles since construction."""
        return int(self._lib.emu_cycles(self._handle))

    def write(self, address: int, value: int) -> None:
        """Write one 32-bit register."""
        self.check(self._lib.emu_write(self._handle, address, value & 0xFFFFFFFF))

    def read(self, address: int) -> int:
        """Read one 32-bit register."""
        value = ctypes.c_uint32()
        self.check(self._lib.emu_read(self._handle, address, ctypes.byref(value)))
        return value.value

    def idle(self, cycles: int) -> None:
        """Let the clock run."""
        self.check(self._lib.emu_idle(self._handle, cycles))

    def reset(self) -> None:
        """Hardware reset."""
        self.check(self._lib.emu_reset(self._handle))

    def step(self, words: np.ndarray, action: np.ndarray) -> int:
        """Write the observation words, wait, fill the action words (both uint32); the latency in cycles."""
        latency = ctypes.c_uint32()
        self.check(self._lib.emu_step(self._handle, words.ctypes.data, len(words), action.ctypes.data, len(action),
                                      ctypes.byref(latency)))
        return latency.value

    def stall(self, inputs: float, outputs: float, seed: int = 0) -> None:
        """From now on hold each stream back in a random share of the cycles (0 ends it)."""
        self.check(self._lib.emu_stall(self._handle, inputs, outputs, seed))

    def stream(self, frames: np.ndarray, beats: int, beat_bytes: int, max_cycles: int) -> Any:
        """Stream beats uint8 [N, bytes] straight through the accelerator, back to back.

        Returns the ``beats`` output beats uint8 [beats, beat_bytes] and the cycles at which each input and output
        beat was taken (uint32). Raises :class:`ToolError` where fewer come within ``max_cycles``.
        """
        frames = np.ascontiguousarray(frames)
        out = np.zeros((beats, beat_bytes), np.uint8)
        taken, given = np.zeros(len(frames), np.uint32), np.zeros(beats, np.uint32)
        count = self.check(self._lib.emu_stream(
            self._handle, frames.ctypes.data, len(frames), frames.shape[1], out.ctypes.data, beats, beat_bytes,
            taken.ctypes.data, given.ctypes.data, max_cycles))
        if count != beats:
            raise ToolError("the accelerator must answer every input", "%d of %d output beats after %d cycles"
                            % (count, beats, max_cycles), "report this design: beats were lost or it hangs")
        return out, taken, given

    def close(self) -> None:
        """Free the model. Closing twice does nothing."""
        if self._handle:
            self._lib.emu_free(self._handle)
            self._handle = None


class EmulatorDevice(Device):
    """A built accelerator on the PC: what runs is the RTL, behind the bridge that the board has."""

    name = "emulator"

    def __init__(self, policy: Policy, accel: PathLike):
        self.policy, self.accel = policy, Path(accel)
        self.emulator: Optional[Emulator] = None

    def open(self) -> None:
        self.description = accelerator.read(self.accel)
        if self.description.policy_hash != self.policy.hash:
            raise UserError("the accelerator must be built from this policy (hash %s…)" % self.policy.hash[:12],
                            self.description.policy_hash[:12] + "…", "build it again with `quarl build RUN`")
        self.emulator = Emulator(self.accel / _LIBRARY, self.accel / "rtl")
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        """Check that the hardware is this policy's, and set up the buffers of a step."""
        observation, action = self.description.geometry.observation, self.description.geometry.action
        self._check("ID", registers.ID, registers.ID_VALUE)
        self._check("BUILD_ID", registers.BUILD_ID, self.policy.build_id)
        self._check("GEOMETRY", registers.GEOMETRY, action.frame_bytes << 16 | observation.frame_bytes)
        self._opened().write(registers.CTRL, registers.CTRL_AUTO_START)
        self._words = np.zeros(observation.words, np.uint32)
        self._frame = self._words.view(np.uint8)[:observation.frame_bytes]
        self._action = np.zeros(action.words, np.uint32)
        self._result = self._action.view(np.uint8)[:action.frame_bytes]

    def _check(self, name: str, address: int, expected: int) -> None:
        found = self._opened().read(address)
        if found != expected:
            raise ToolError("register %s must read 0x%08x" % (name, expected), "0x%08x" % found,
                            "build the accelerator again with `quarl build RUN`")

    def _opened(self) -> Emulator:
        if self.emulator is None:
            raise UserError("a device must be open", "a closed one", "use it as a context manager, or call open()")
        return self.emulator

    def step(self, codes: np.ndarray) -> Reply:
        emulator = self._opened()
        geometry = self.description.geometry
        self._frame[:] = geometry.observation.pack(codes)[0]
        cycles = emulator.step(self._words, self._action)
        return Reply(geometry.action.unpack(self._result)[0], cycles)

    def reset(self) -> None:
        self._opened().write(registers.CTRL, registers.CTRL_SOFT_RESET | registers.CTRL_AUTO_START)

    def stats(self) -> Dict[str, Any]:
        emulator = self._opened()
        return {"inferences": emulator.read(registers.COUNT), "latency_min": emulator.read(registers.LATENCY_MIN),
                "latency_max": emulator.read(registers.LATENCY_MAX), "cycles": emulator.cycles}

    def close(self) -> None:
        if self.emulator is not None:
            self.emulator.close()
            self.emulator = None
