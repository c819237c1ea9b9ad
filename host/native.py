"""The C functions of host/c/step.c, compiled once on the machine that runs them."""
from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Callable, List, Optional, Tuple

import numpy as np

from host.errors import ToolError
from host.files import cannot_write, sha256, write_bytes
from host.geometry import Geometry, Stream
from host.policy import Policy

_SOURCES = Path(__file__).parent / "c"
_FLAGS = ["-O2", "-std=c99", "-ffp-contract=off", "-shared", "-fPIC", "-Wall", "-Werror"]


class _Stream(ctypes.Structure):
    """``struct stream``."""

    _fields_ = [(name, ctypes.c_int32) for name in ("beats", "lanes", "bits", "beat_bytes", "is_signed")]


class _Call(ctypes.Structure):
    """``struct call``."""

    _fields_ = [("registers", ctypes.c_void_p), ("codes", ctypes.c_void_p), ("words", ctypes.c_void_p),
                ("accumulators", ctypes.c_void_p), ("observation", _Stream), ("action", _Stream),
                ("latency", ctypes.c_uint32)]


def _stream(stream: Stream) -> _Stream:
    return _Stream(stream.beats, stream.lanes, stream.bits, stream.beat_bytes, stream.signed)


def compiled(extra: Tuple[str, ...] = ()) -> Optional[Path]:
    """The library, compiled with the ``extra`` flags if no earlier call did that; None without a compiler.

    It lies below ``$QUARL_CACHE`` or ``~/.cache/quarl``. Raises :class:`ToolError` if the compiler or the disk fails.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    flags = [*_FLAGS, *extra]
    sources = [path.read_bytes() for path in sorted(_SOURCES.iterdir())]
    key = sha256(b"\0".join([*sources, " ".join(flags).encode(), platform.machine().encode()]))
    root = os.environ.get("QUARL_CACHE") or str(Path.home() / ".cache" / "quarl")
    library = Path(root).absolute() / "step" / (key + ".so")
    if not library.exists():
        write_bytes(library, _compile([compiler, *flags]))
    return library


def _compile(command: List[str]) -> bytes:
    try:
        with tempfile.TemporaryDirectory(prefix="quarl-step-") as scratch:
            target = Path(scratch) / "step.so"
            done = subprocess.run([*command, "-o", str(target), str(_SOURCES / "step.c"), "-lm"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
            if done.returncode:
                raise ToolError("%s must compile host/c/step.c" % command[0],
                                "exit code %d:\n%s\n" % (done.returncode, done.stdout.strip()[-2000:]),
                                "mend the compiler, or remove it: the step is then done in Python")
            return target.read_bytes()
    except OSError as error:
        raise cannot_write(error.filename or tempfile.gettempdir(), error) from error


class Native:
    """The functions of the library, for one policy."""

    def __init__(self, library: Path, policy: Policy):
        try:
            self._lib = ctypes.CDLL(str(library))
        except OSError as error:
            raise ToolError("the compiled step function must load", error, "delete %s" % library) from error
        pointer, number = ctypes.c_void_p, ctypes.c_int32
        self._lib.quarl_encode.argtypes = [pointer, pointer, pointer, number, number, number, pointer]
        self._lib.quarl_encode.restype = number
        self._lib.quarl_step.argtypes, self._lib.quarl_step.restype = [pointer], ctypes.c_uint32
        self._features = policy.features
        self._arrays = [np.empty(policy.features, np.float32), np.ascontiguousarray(policy.encode_scale),
                        np.ascontiguousarray(policy.encode_offset), np.empty((1, policy.features), np.int8)]
        observation, scale, offset, codes = (array.ctypes.data for array in self._arrays)
        self._encode = (observation, scale, offset, policy.features, *policy.input_range, codes)

    def encode(self, observation: np.ndarray) -> Optional[np.ndarray]:
        """Codes int8 [1, features] of one observation of float32 in any shape; None where it is not finite."""
        self._arrays[0][:] = observation.reshape(-1)
        done = self._lib.quarl_encode(*self._encode)
        return self._arrays[3].copy() if done == self._features else None

    def stepper(self, geometry: Geometry, registers: int) -> Callable[[np.ndarray], Tuple[np.ndarray, int, int]]:
        """One inference over the registers at the address ``registers``; see :meth:`host.bridge.Registers.stepper`."""
        observation, action = geometry.observation, geometry.action
        codes = np.empty(observation.beats * observation.lanes, np.uint8)
        words = np.zeros(observation.words + action.words, np.uint32)
        accumulators = np.empty(action.beats * action.lanes, np.int32)
        call = _Call(registers, codes.ctypes.data, words.ctypes.data, accumulators.ctypes.data,
                     _stream(observation), _stream(action))
        call.memory = (codes, words, accumulators)      # lives as long as the pointers to it
        function, argument = self._lib.quarl_step, ctypes.addressof(call)

        def step(given: np.ndarray) -> Tuple[np.ndarray, int, int]:
            codes[:] = given.view(np.uint8)
            status = function(argument)
            return accumulators.copy(), status, call.latency

        return step
