"""The device factory, the reference device, and what the emulator says before it has a library."""
import re

import numpy as np
import pytest

from quarl.host import connect
from quarl.host.accelerator import description, native
from quarl.host.devices.emulator import Emulator, EmulatorDevice
from quarl.host.devices.finn_dma import FinnDmaDevice
from quarl.host.devices.integer import IntegerDevice
from quarl.host.devices.interface import Device, Reply
from quarl.host.devices.pynq import PynqDevice
from quarl.host.errors import ToolError, UserError
from quarl.host.policy import codec
from quarl.host.policy.integer import accumulators
from tests.host.accelerator.test_description import FIX, make_accelerator
from tests.host.helpers import make_policy, random_codes, random_policy, refused
from tests.host.policy.pixels import pixel_policy, random_pixels

LIBRARY = "the emulator must be a shared library built on this machine"
BUILD = "build it with `quarl build RUN --target emulate`"
CODES = np.array([1, -1], np.int8)


@pytest.mark.parametrize("name", ["", "usb", "Integer", "emulator "])
def test_unknown_device(name, tmp_path):
    with refused(UserError, "the device must be one of emulator, integer, pynq, finn-dma or tcp://HOST:PORT", name,
                 "choose one with --device"):
        connect.create(name, make_policy(), tmp_path)


def test_create(tmp_path):
    for name, kind in (("emulator", EmulatorDevice), ("integer", IntegerDevice), ("pynq", PynqDevice),
                       ("finn-dma", FinnDmaDevice)):
        assert type(connect.create(name, make_policy(), tmp_path)) is kind


def test_names_of_devices(tmp_path):
    for name in connect.NAMES:
        assert connect.create(name, make_policy(), tmp_path).name == name


@pytest.mark.parametrize("step", ["c", "numpy"])
def test_integer_device_is_the_reference(monkeypatch, step):
    if step == "numpy":
        monkeypatch.setattr(native, "compiled", lambda: None)
    policy = random_policy([5, 7, 3], 4, 3, 6, seed=0)
    codes = random_codes(policy, 20, seed=1)
    with IntegerDevice(policy) as device:
        device.reset()
        replies = [device.step(row) for row in codes]
        assert device.stats() == {"inferences": 20, "step": step}
    assert all(reply.accumulators.dtype == np.int32 and reply.cycles is None for reply in replies)
    assert np.array_equal(np.stack([reply.accumulators for reply in replies]), accumulators(policy, codes))


@pytest.mark.parametrize("step", ["c", "numpy"])
def test_integer_device_takes_pixels(monkeypatch, step):
    if step == "numpy":
        monkeypatch.setattr(native, "compiled", lambda: None)
    policy = pixel_policy()
    seen = random_pixels(policy, 5, 0)
    expected = accumulators(policy, seen)
    with IntegerDevice(policy) as device:
        assert device.stats()["step"] == step
        assert np.array_equal([reply.accumulators for reply in device.step_many(device.encode(seen))], expected)
        for observation, want in zip(seen, expected, strict=True):
            action, reply = device.act(observation)
            assert np.array_equal(reply.accumulators, want)
            assert action == codec.decode(policy, want[None])[1][0]
        assert device.stats()["inferences"] == 10


class Recorder(Device):
    """The least a device must have."""

    def __init__(self):
        self.calls = []

    def open(self):
        self.calls.append("open")

    def close(self):
        self.calls.append("close")

    def step(self, codes):
        return Reply(codes)


def test_the_context_manager_opens_and_closes():
    recorder = Recorder()
    with recorder as device:
        assert device is recorder and recorder.calls == ["open"]
    assert recorder.calls == ["open", "close"]


def test_the_context_manager_closes_on_an_error_and_lets_it_through():
    recorder = Recorder()
    with pytest.raises(KeyboardInterrupt), recorder:
        raise KeyboardInterrupt
    assert recorder.calls == ["open", "close"]


def test_a_device_must_say_how_to_step():
    with pytest.raises(TypeError, match="abstract"):
        Device()


def test_missing_library(tmp_path):
    with refused(ToolError, LIBRARY, re.compile(".*emulator.so.*No such file.*"), BUILD):
        Emulator(tmp_path / "emulator.so", tmp_path)


@pytest.mark.parametrize("data", [b"", b"not ELF", b"\x7fELF and no more"])
def test_broken_library(tmp_path, data):
    (tmp_path / "emulator.so").write_bytes(data)
    with refused(ToolError, LIBRARY, re.compile(".*emulator.so.*"), BUILD):
        Emulator(tmp_path / "emulator.so", tmp_path)


def test_open_without_a_built_accelerator(tmp_path):
    with refused(UserError, "a built accelerator has an accel.json",
                 f"No such file or directory at {tmp_path}/accel.json", FIX):
        EmulatorDevice(make_policy(), tmp_path).open()


def test_open_with_the_accelerator_of_another_policy(tmp_path):
    description.write(make_accelerator(), tmp_path)
    policy = make_policy()
    with refused(UserError, f"the accelerator must be built from this policy (hash {policy.hash[:12]}…)",
                 "abababababab…", "build it again with `quarl build RUN`"):
        EmulatorDevice(policy, tmp_path).open()


def test_open_without_the_library(tmp_path):
    policy = make_policy()
    description.write(make_accelerator(policy_hash=policy.hash), tmp_path)
    with refused(ToolError, LIBRARY, re.compile(".*emulator.so.*No such file.*"), BUILD):
        EmulatorDevice(policy, tmp_path).open()


@pytest.mark.parametrize("use", [lambda device: device.step(CODES), lambda device: device.reset(),
                                 lambda device: device.stats()], ids=["step", "reset", "stats"])
@pytest.mark.parametrize("closed_before", [False, True])
def test_a_closed_emulator(tmp_path, use, closed_before):
    device = EmulatorDevice(make_policy(), tmp_path)
    if closed_before:
        device.close()
        device.close()
    with refused(UserError, "a device must be open", "a closed one", "use it as a context manager, or call open()"):
        use(device)
