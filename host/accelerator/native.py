"""The C functions of c/, compiled once on the machine that runs them: the codec, and a step on the board."""
from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Callable, List, Optional, Tuple

import numpy as np

from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.errors import ToolError
from quarl.host.files import cannot_write, scratch_folder, sha256, write_bytes
from quarl.host.files.cache_root import cache_root
from quarl.host.policy import Policy, codec

Actor = Callable[[Any], Optional[Tuple[Any, np.ndarray, int, int]]]
"""From an observation: action, accumulators, the answer of WAIT and LATENCY_LAST; None where ``policy.codec`` must
say what it makes of it."""

_SOURCES = Path(__file__).parent / "c"
_CPU = Path("/proc/cpuinfo")
_FLOAT = np.dtype(np.float32)
_FLAGS = ["-O3", "-std=c99", "-ffp-contract=off", "-shared", "-fPIC", "-Wall", "-Werror"]


class _Stream(ctypes.Structure):
    """``struct stream``."""

    _fields_ = [(name, ctypes.c_int32) for name in ("beats", "lanes", "bits", "beat_bytes", "is_signed")]


class _Call(ctypes.Structure):
    """``struct call``."""

    _fields_ = [("registers", ctypes.c_void_p), ("codes", ctypes.c_void_p), ("words", ctypes.c_void_p),
                ("accumulators", ctypes.c_void_p), ("observation", _Stream), ("action", _Stream),
                ("latency", ctypes.c_uint32)]


class _Encoder(ctypes.Structure):
    """``struct encoder``."""

    _fields_ = [*((name, ctypes.c_void_p) for name in ("observation", "scale", "offset", "codes")),
                *((name, ctypes.c_int32) for name in ("features", "low", "high"))]


class _Decoder(ctypes.Structure):
    """``struct decoder``."""

    _fields_ = [*((name, ctypes.c_void_p) for name in ("scale", "bias", "values")), ("outputs", ctypes.c_int32)]


class _Act(ctypes.Structure):
    """``struct act``."""

    _fields_ = [*((name, ctypes.c_void_p) for name in ("encoder", "call", "decoder")), ("status", ctypes.c_uint32)]


def _stream(stream: Stream) -> _Stream:
    return _Stream(stream.beats, stream.lanes, stream.bits, stream.beat_bytes, stream.signed)


def compiled(extra: Tuple[str, ...] = ()) -> Optional[Path]:
    """The library, compiled with the ``extra`` flags if no earlier call did that; None without a compiler.

    It lies in the cache. Raises :class:`ToolError` if the compiler or the disk fails.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    flags = [*_FLAGS, *_machine_flags(), *extra]
    sources = [path.read_bytes() for path in sorted(_SOURCES.iterdir())]
    key = sha256(b"\0".join([*sources, " ".join(flags).encode(), platform.machine().encode()]))
    library = cache_root() / "step" / (key + ".so")
    if not library.exists():
        write_bytes(library, _compile([compiler, *flags]))
    return library


def _machine_flags() -> List[str]:
    """A 32-bit ARM may lack the SIMD unit, so compilers ask to be told of it; they round floats by the other one."""
    has = platform.machine() == "armv7l" and _CPU.exists() and "neon" in _CPU.read_text().split()
    return ["-mfpu=neon"] if has else []


def _compile(command: List[str]) -> bytes:
    try:
        with scratch_folder("step") as scratch:
            target = scratch / "step.so"
            sources = [str(path) for path in sorted(_SOURCES.glob("*.c"))]
            done = subprocess.run([*command, "-o", str(target), *sources, "-lm"], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, universal_newlines=True,
                                  env=dict(os.environ, TMPDIR=str(scratch)))    # where a kill leaves its own files
            if done.returncode:
                raise ToolError("%s must compile host/accelerator/c" % command[0],
                                "exit code %d:\n%s\n" % (done.returncode, done.stdout.strip()[-2000:]),
                                "mend the compiler, or remove it: its work is then done in Python")
            return target.read_bytes()
    except OSError as error:
        raise cannot_write(error.filename or tempfile.gettempdir(), error) from error


class Native:
    """The functions of the library, for one policy.

    Raises :class:`ToolError` for a library that does not load.
    """

    def __init__(self, library: Path, policy: Policy):
        try:
            self.lib = ctypes.CDLL(str(library))
        except OSError as error:
            raise ToolError("the compiled step function must load", error, "delete %s" % library) from error
        for name, result in (("quarl_encode", ctypes.c_int32), ("quarl_step", ctypes.c_uint32),
                             ("quarl_act", ctypes.c_int32), ("quarl_play", ctypes.c_int32)):
            function = getattr(self.lib, name)
            function.argtypes, function.restype = [ctypes.c_void_p], result
        self.policy = policy
        self._observation, self._codes = np.empty(policy.features, np.float32), np.empty(policy.features, np.int8)
        arrays = [self._observation, np.ascontiguousarray(policy.encode_scale),
                  np.ascontiguousarray(policy.encode_offset), self._codes]
        self.encoder = _Encoder(*(array.ctypes.data for array in arrays), policy.features, *policy.input_range)
        self.encoder.memory = arrays            # lives as long as the pointers to it
        self._encode, self._argument = self.lib.quarl_encode, ctypes.addressof(self.encoder)
        self._values = np.empty(policy.action.size, np.float32)
        arrays = [np.ascontiguousarray(policy.decode_scale), np.ascontiguousarray(policy.decode_bias), self._values]
        self.decoder = _Decoder(*(array.ctypes.data for array in arrays), policy.action.size)
        self.decoder.memory = arrays

    def takes(self, observation: Any) -> bool:
        """Whether it is what C takes. All else, and all that is refused, is for :mod:`quarl.host.policy.codec`."""
        return (isinstance(observation, np.ndarray) and observation.dtype == _FLOAT
                and observation.shape == self.policy.observation_shape and not self.policy.pixels)

    def encode(self, observation: Any) -> np.ndarray:
        """As :func:`quarl.host.policy.codec.encode`."""
        if self.takes(observation):
            self._observation[:] = observation.reshape(-1)
            if self._encode(self._argument) == len(self._codes):
                return self._codes.reshape(1, -1).copy()
        return codec.encode(self.policy, observation)

    def act(self, function: Callable[[Any], int], argument: ctypes.Structure) -> Callable[[Any], Any]:
        """The action of an observation by a ``function`` of C: a whole step. None if it is not taken, or not finite."""
        policy, observation, values = self.policy, self._observation, self._values.reshape(1, -1)
        argmax, start, pointer = policy.head == "argmax", policy.action.start, ctypes.byref(argument)

        def run(given: Any) -> Any:
            if not self.takes(given):
                return None
            observation[:] = given.reshape(-1)
            best = function(pointer)
            if best < 0:
                return None
            return np.int64(start + best) if argmax else codec.act(policy.head, policy.action, values)[0]

        return run

    def stepper(self, geometry: Geometry, registers: int) -> Callable[[np.ndarray], Tuple[np.ndarray, int, int]]:
        """One inference over the registers at the address ``registers``; see ``Registers.stepper``."""
        codes = np.empty(geometry.observation.beats * geometry.observation.lanes, np.uint8)
        call, accumulators = _call(geometry, registers, codes)
        function, argument = self.lib.quarl_step, ctypes.addressof(call)

        def step(given: np.ndarray) -> Tuple[np.ndarray, int, int]:
            codes[:] = given.view(np.uint8)
            status = function(argument)
            return accumulators.copy(), status, call.latency

        return step

    def actor(self, geometry: Geometry, registers: int) -> Actor:
        """A whole step of an observation: see :data:`Actor`."""
        call, accumulators = _call(geometry, registers, self._codes)
        step = _Act(*(ctypes.addressof(part) for part in (self.encoder, call, self.decoder)))
        act = self.act(self.lib.quarl_act, step)

        def run(given: Any) -> Optional[Tuple[Any, np.ndarray, int, int]]:
            action = act(given)
            return None if action is None else (action, accumulators.copy(), step.status, call.latency)

        return run


def _call(geometry: Geometry, registers: int, codes: np.ndarray) -> Tuple[_Call, np.ndarray]:
    """What ``quarl_step`` needs to read the array ``codes``, and the array of accumulators that it fills."""
    observation, action = geometry.observation, geometry.action
    words = np.zeros(observation.words + action.words, np.uint32)
    accumulators = np.empty(action.beats * action.lanes, np.int32)
    call = _Call(registers, codes.ctypes.data, words.ctypes.data, accumulators.ctypes.data,
                 _stream(observation), _stream(action))
    call.memory = (codes, words, accumulators)      # lives as long as the pointers to it
    return call, accumulators
