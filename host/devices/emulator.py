"""The accelerator's RTL, emulated cycle by cycle behind the same registers as on the board."""
from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

from quarl.host.accelerator.geometry import Geometry
from quarl.host.devices.bridge import BridgeDevice, Registers, Stepper, check_done
from quarl.host.errors import ToolError
from quarl.host.files import PathLike, sha256

_LIBRARY = "emulator.so"
_CHUNK = 50000    # cycles of a long stream between two looks at Ctrl-C, less than a second
_UNSET = 0xFFFFFFFF
_loaded: Dict[str, ctypes.CDLL] = {}


def _load(library: PathLike) -> ctypes.CDLL:
    """The library as the file is now, loaded once for each content. Raises :class:`ToolError`.

    The loader takes equal names for equal libraries, even after a new build. So it gets a copy in memory, whose
    name stays taken as long as the process lives: the descriptor is never closed.
    """
    try:
        data = Path(library).read_bytes()
        key = sha256(data)
        if key not in _loaded:
            copy = os.memfd_create(_LIBRARY)
            try:
                with open(copy, "wb", closefd=False) as file:
                    file.write(data)
                _loaded[key] = ctypes.CDLL("/proc/self/fd/%d" % copy)
            except BaseException:
                os.close(copy)
                raise
        return _loaded[key]
    except OSError as error:
        raise ToolError("the emulator must be a shared library built on this machine", "%s: %s" % (library, error),
                        "build it with `quarl build RUN --target emulate`") from error


class Emulator(Registers):
    """The emulator's shared library: registers over AXI4-Lite, and the accelerator's bare streams.

    Raises :class:`ToolError` for a missing library and for any assertion that fails in the RTL.
    """

    def __init__(self, library: PathLike, data: PathLike):
        self._lib = _load(library)
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
        self.check(-1 if self._lib.emu_error(self._handle) else 0)

    def check(self, status: int) -> int:
        """Return ``status``, or raise the emulator's own error text for a negative one."""
        if status < 0:
            text = self._lib.emu_error(self._handle).decode(errors="replace")
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
        """Write the observation words, wait, fill the action words (both uint32); the latency in cycles.

        Raises :class:`ToolError` unless the inference is done: the words would be those of an earlier one.
        """
        status, latency = self._exchange(words, action)()
        check_done(status)
        return latency

    def _exchange(self, words: np.ndarray, action: np.ndarray) -> Callable[[], Tuple[int, int]]:
        """A step over these buffers, again and again: the answer of WAIT and the latency."""
        latency, emu_step = ctypes.c_uint32(), self._lib.emu_step
        arguments = (self._handle, words.ctypes.data, len(words), action.ctypes.data, len(action),
                     ctypes.byref(latency))

        def exchange() -> Tuple[int, int]:
            return self.check(emu_step(*arguments)), latency.value

        return exchange

    def stepper(self, geometry: Geometry) -> Stepper:
        observation, action = geometry.observation, geometry.action
        words, result = np.zeros(observation.words, np.uint32), np.zeros(action.words, np.uint32)
        inputs, outputs = (buffer.view(np.uint8)[:stream.frame_bytes]
                           for buffer, stream in ((words, observation), (result, action)))
        exchange = self._exchange(words, result)
        given, taken = observation.view(inputs), action.view(outputs)       # fewer calls, where the geometry allows it

        def step(codes: np.ndarray) -> Tuple[np.ndarray, int, int]:
            if given is None:
                inputs[:] = observation.pack(codes)[0]
            else:
                given[:] = codes
            status, latency = exchange()
            return action.unpack(outputs)[0] if taken is None else taken.astype(np.int32), status, latency

        return step

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
        taken, given = np.full(len(frames), _UNSET, np.uint32), np.zeros(beats, np.uint32)
        # Between two calls no clock edge passes, so the accelerator sees one stream without a gap.
        sent = received = 0
        for start in range(0, max_cycles, _CHUNK):
            inputs, taken_now, outputs, given_now = frames[sent:], taken[sent:], out[received:], given[received:]
            came = self.check(self._lib.emu_stream(
                self._handle, inputs.ctypes.data, len(inputs), frames.shape[1], outputs.ctypes.data, len(outputs),
                beat_bytes, taken_now.ctypes.data, given_now.ctypes.data, min(_CHUNK, max_cycles - start)))
            went = int(np.count_nonzero(taken_now[:_CHUNK] != _UNSET))
            taken_now[:went] += np.uint32(start)
            given_now[:came] += np.uint32(start)
            sent, received = sent + went, received + came
            if received == beats:
                return out, taken, given
        raise ToolError("the accelerator must answer every input", "%d of %d output beats after %d cycles"
                        % (received, beats, max_cycles), "report this design: beats were lost or it hangs")

    def close(self) -> None:
        """Free the model. Closing twice does nothing."""
        if self._handle:
            self._lib.emu_free(self._handle)
            self._handle = None


class EmulatorDevice(BridgeDevice):
    """A built accelerator on the PC: what runs is the RTL, behind the bridge that the board has."""

    name = "emulator"
    emulator: Emulator      # while it is open

    def attach(self) -> Emulator:
        self.emulator = Emulator(self.accel / _LIBRARY, self.accel / "rtl")
        return self.emulator
