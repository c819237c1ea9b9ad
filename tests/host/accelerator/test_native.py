"""The C functions against numpy, bit for bit."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quarl.host.accelerator import native, registers
from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.errors import ToolError, UserError
from quarl.host.policy import ActionSpace, codec
from tests.host.accelerator.test_geometry import streams
from tests.host.helpers import make_policy, refused

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
TIES = st.integers(-300, 300).map(lambda n: n / 2)
DENORMALS = st.floats(-2.0 ** -126, 2.0 ** -126, width=32)
VALUES = st.one_of(st.floats(-300, 300, width=32), TIES, FLOATS, DENORMALS)
FEATURES = st.tuples(VALUES, VALUES, VALUES)


@pytest.fixture(scope="module")
def library():
    return native.compiled()


def policy_of(scale, offset, bits=8):
    return make_policy(input_bits=bits, observation_shape=(len(scale),), encode_scale=np.array(scale, np.float32),
                       encode_offset=np.array(offset, np.float32))


@settings(max_examples=300, deadline=None)
@given(features=st.lists(FEATURES, min_size=1, max_size=20), bits=st.integers(2, 8))
@example(features=[(1 + 2 ** -12, 1 + 2 ** -12, -(0.5 + 2 ** -11))], bits=8)       # a fused multiply-add gives 1
@example(features=[(3.4e38, 3.4e38, 0), (-3.4e38, 3.4e38, 1), (3.4e38, -3.4e38, 3.4e38)], bits=2)
@example(features=[(n / 2, 1, 0) for n in range(-9, 10)], bits=4)
@example(features=[(1e-45, 1, 0.5), (-1e-45, 1, 0.5), (1.4e-45, 3e38, 0)], bits=8)
def test_encode(library, features, bits):
    observation, scale, offset = np.array(features, np.float32).T
    policy = policy_of(scale, offset, bits)
    codes = native.Native(library, policy).encode(observation)
    assert codes.dtype == np.int8
    assert np.array_equal(codes, codec.encode(policy, observation))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("index", [0, 3, 6])
def test_encode_refuses_what_is_not_finite(library, bad, index):
    functions = native.Native(library, policy_of([1] * 7, [0] * 7))
    observation = np.arange(7, dtype=np.float32)
    observation[index] = bad
    with pytest.raises(UserError, match=f"^an observation must be finite, found {bad} in feature {index}"):
        functions.encode(observation)
    observation[index] = 1
    assert functions.encode(observation).tolist() == [[*range(index), 1, *range(index + 1, 7)]]


def test_the_flags_keep_the_products_rounding():
    assert "-ffp-contract=off" in native._FLAGS and not [flag for flag in native._FLAGS if "fast" in flag]


class Memory:
    """Registers that are plain memory: WAIT and the action read what was put there."""

    def __init__(self):
        self.words = np.zeros(2 ** 14, np.uint32)
        self.words[registers.LATENCY_LAST // 4] = 77
        self.words[registers.WAIT // 4] = 0x80000012

    def frame(self, offset, size):
        return self.words.view(np.uint8)[offset:offset + size]


@settings(max_examples=200, deadline=None)
@given(streams(), streams(), st.integers(0, 2 ** 32 - 1))
def test_step(library, inputs, outputs, seed):
    """Codes of up to 8 bits and accumulators of up to 32 in every layout, over memory as the registers."""
    bits = 1 + inputs.bits % 8
    inputs = Stream(inputs.beats, inputs.lanes, bits, (inputs.lanes * bits + 7) // 8 * 8 + inputs.width % 24 // 8 * 8)
    rng = np.random.default_rng(seed)
    memory, policy = Memory(), policy_of([1], [0])
    codes = rng.integers(-2 ** (bits - 1), 2 ** (bits - 1), inputs.beats * inputs.lanes).astype(np.int8)
    action = rng.integers(0, 256, outputs.frame_bytes).astype(np.uint8)
    memory.frame(registers.ACTION, len(action))[:] = action
    memory.frame(registers.OBSERVATION, inputs.frame_bytes + 8)[:] = 0xEE
    step = native.Native(library, policy).stepper(Geometry(inputs, outputs), memory.words.ctypes.data)
    for given_codes in (codes[::-1], codes):
        accumulators, status, latency = step(given_codes)
    assert (status, latency) == (0x80000012, 77)
    assert accumulators.dtype == np.int32 and np.array_equal(accumulators, outputs.unpack(action)[0])
    padded = np.zeros(4 * inputs.words, np.uint8)
    padded[:inputs.frame_bytes] = inputs.pack(codes)[0]
    assert np.array_equal(memory.frame(registers.OBSERVATION, 4 * inputs.words), padded)
    assert memory.frame(registers.OBSERVATION + 4 * inputs.words, 4).tolist() == [0xEE] * 4, "a word too many"


def test_pixels_are_unsigned_codes(library):
    memory, stream = Memory(), Stream(1, 3, 8, 24, signed=False)
    native.Native(library, policy_of([1], [0])).stepper(Geometry(stream, Stream(1, 1, 8, 8)),
                                                        memory.words.ctypes.data)(np.array([0, 128, 255], np.uint8))
    assert memory.frame(registers.OBSERVATION, 4).tolist() == [0, 128, 255, 0]


def test_is_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("QUARL_CACHE", str(tmp_path))
    first = native.compiled()
    assert first.parent == tmp_path / "step"
    monkeypatch.setattr(native.subprocess, "run", lambda *_, **__: pytest.fail("compiled again"))
    assert native.compiled() == first
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_other_flags_and_sources_make_another_library(tmp_path, monkeypatch):
    monkeypatch.setenv("QUARL_CACHE", str(tmp_path))
    libraries = {native.compiled(), native.compiled(("-DX",))}
    folder = tmp_path / "c"
    folder.mkdir()
    for path in native._SOURCES.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "step.c").write_text((folder / "step.c").read_text() + "\n")
    monkeypatch.setattr(native, "_SOURCES", folder)
    libraries.add(native.compiled())
    assert len(libraries) == 3


@pytest.mark.parametrize(("machine", "features", "expected"), [
    ("armv7l", "Features\t: half thumb neon vfpv3", ["-mfpu=neon"]), ("armv7l", "Features\t: half thumb vfpv3", []),
    ("armv7l", None, []), ("x86_64", "flags\t: neon", [])])
def test_the_simd_unit_of_a_32_bit_arm_is_used(tmp_path, monkeypatch, machine, features, expected):
    if features:
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{features}\n")
    monkeypatch.setattr(native, "_CPU", tmp_path / "cpuinfo")
    monkeypatch.setattr(native.platform, "machine", lambda: machine)
    assert native._machine_flags() == expected


def test_no_compiler(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert native.compiled() is None


def test_a_compiler_that_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("QUARL_CACHE", str(tmp_path))
    compiler = tmp_path / "gcc"
    compiler.write_text("#!/bin/sh\necho no such option\nexit 3\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with refused(ToolError, f"{compiler} must compile host/accelerator/c", "exit code 3:\nno such option\n",
                 "mend the compiler, or remove it: its work is then done in Python"):
        native.compiled()
    assert not (tmp_path / "step").exists()


def test_a_library_that_does_not_load(tmp_path):
    path = tmp_path / "step.so"
    path.write_bytes(b"not ELF")
    with refused(ToolError, "the compiled step function must load", re.compile(".*(too short|invalid ELF header)"),
                 f"delete {path}"):
        native.Native(path, make_policy())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(-2 ** 31, 2 ** 31 - 1), VALUES, VALUES), min_size=1, max_size=9))
@example([(2 ** 24 + 1, 1, 0), (2 ** 24 + 3, 1, 0), (-2 ** 31, 3.4e38, 1), (7, 1 / 7, -1)])
@example([(2, 1, 0), (1, 2, 0), (1, 1, 1), (-4, -0.5, 0)])                  # a tie goes to the first
def test_act(library, outputs):
    """The outputs and the largest of them, of any accumulators."""
    values, scale, bias = zip(*outputs, strict=True)
    size, stream, memory = len(outputs), Stream(len(outputs), 1, 32, 32), Memory()
    frame = stream.pack(np.array(values, np.int64))[0]
    memory.frame(registers.ACTION, len(frame))[:] = frame
    policy = make_policy(
        observation_shape=(1,), encode_scale=np.ones(1, np.float32), encode_offset=np.zeros(1, np.float32),
        decode_scale=np.array(scale, np.float32), decode_bias=np.array(bias, np.float32), head="clip",
        action=ActionSpace("box", 0, (-np.inf,) * size, (np.inf,) * size))
    with np.errstate(over="ignore"):
        expected = codec.outputs(policy, np.array(values, np.int32))
    for head, want in (("clip", expected), ("argmax", expected.argmax())):
        changed = dataclasses.replace(policy, head=head)
        act = native.Native(library, changed).actor(Geometry(Stream(1, 1, 4, 8), stream), memory.words.ctypes.data)
        action, accumulators, status, latency = act(np.array([3], np.float32))
        assert np.array_equal(action, want) and action.dtype == want.dtype
        assert accumulators.tolist() == list(values) and (status, latency) == (0x80000012, 77)
        assert memory.frame(registers.OBSERVATION, 4).tolist() == [3, 0, 0, 0]
        assert act(np.array([np.nan], np.float32)) is None
