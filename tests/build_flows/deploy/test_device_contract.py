"""The contract over every device, on one built accelerator: its emulated RTL stands behind each that has hardware.

To add a device, add a context manager to :data:`DEVICES`: it gets the subject, the accelerator's folder and pytest's
monkeypatch, and yields a function that makes closed devices.
"""
import contextlib
import json
import shutil

import numpy as np
import pytest

from quarl.host.accelerator import description, native, registers
from quarl.host.connect import create
from quarl.host.devices.emulator import Emulator, EmulatorDevice
from quarl.host.devices.finn_dma import FinnDmaDevice
from quarl.host.devices.pynq import PynqDevice
from quarl.host.errors import ToolError
from quarl.host.policy import integer
from quarl.host.remote.client import RemoteDevice
from tests.device_contract import DeviceContract, assert_all_equal, random_codes
from tests.host.devices import pynq_shim
from tests.host.remote.helpers import serving


@pytest.fixture(scope="module")
def accel(built, tmp_path_factory):
    """The built 5-17-3 net: its subject and a copy of its folder, with the files that a board needs."""
    what, _, folder = built
    copy = tmp_path_factory.mktemp("contract") / "accel"
    shutil.copytree(folder, copy)
    (copy / "accel.bit").touch()
    (copy / "settings.json").write_text(json.dumps(pynq_shim.finn_settings(description.read(copy).geometry)))
    return what, copy


@contextlib.contextmanager
def rtl(folder):
    """The emulated accelerator, as hardware."""
    with contextlib.closing(Emulator(folder / "emulator.so", folder / "rtl")) as emulator:
        yield emulator


@contextlib.contextmanager
def on_emulator(what, folder, monkeypatch):
    yield lambda: EmulatorDevice(what.policy, folder)


@contextlib.contextmanager
def on_integers(what, folder, monkeypatch):
    yield lambda: create("integer", what.policy, folder)


@contextlib.contextmanager
def on_integers_in_numpy(what, folder, monkeypatch):
    monkeypatch.setattr(native, "compiled", lambda: None)
    yield lambda: create("integer", what.policy, folder)


@contextlib.contextmanager
def on_pynq_in_c(what, folder, monkeypatch):
    with rtl(folder) as emulator:
        pynq_shim.install(monkeypatch, pynq_shim.Board(emulator))
        pynq_shim.step_in_c(monkeypatch)
        yield lambda: PynqDevice(what.policy, folder)


@contextlib.contextmanager
def on_pynq_in_python(what, folder, monkeypatch):
    with rtl(folder) as emulator:
        pynq_shim.install(monkeypatch, pynq_shim.Board(emulator))
        pynq_shim.step_in_python(monkeypatch)
        yield lambda: PynqDevice(what.policy, folder)


@contextlib.contextmanager
def on_finn_dma(what, folder, monkeypatch):
    geometry = description.read(folder).geometry

    def compute(frame):
        beats = frame.reshape(geometry.observation.beats, -1)
        return emulator.stream(beats, geometry.action.beats, geometry.action.beat_bytes, 100_000)[0].reshape(-1)

    if not pynq_shim.FINN_DRIVER.is_dir():
        pytest.skip(f"no FINN+ driver: pip install --no-deps --target {pynq_shim.FINN_DRIVER} finn-plus-driver")
    with rtl(folder) as emulator:
        pynq_shim.install(monkeypatch, pynq_shim.Board(compute=compute))
        yield lambda: FinnDmaDevice(what.policy, folder)


@contextlib.contextmanager
def on_server(what, folder, monkeypatch):
    with serving(EmulatorDevice(what.policy, folder)) as server:
        yield lambda: RemoteDevice(what.policy, server.address)


DEVICES = {"emulator": on_emulator, "integer in C": on_integers, "pynq in C": on_pynq_in_c,
           "pynq in Python": on_pynq_in_python, "integer in numpy": on_integers_in_numpy,
           "finn-dma": on_finn_dma, "remote": on_server}


@pytest.fixture
def policy(accel):
    return accel[0].policy


@pytest.fixture(params=DEVICES)
def make(request, accel, monkeypatch):
    with DEVICES[request.param](*accel, monkeypatch) as factory:
        yield factory


class TestDevices(DeviceContract):
    pass


def test_all_devices_are_equal(accel, policy):
    with contextlib.ExitStack() as stack:
        opened = {}
        for name, context in DEVICES.items():
            monkeypatch = stack.enter_context(pytest.MonkeyPatch.context())
            opened[name] = stack.enter_context(stack.enter_context(context(*accel, monkeypatch))())
        assert_all_equal(opened, random_codes(policy, 300, 7))
        assert {name for name, device in opened.items() if device.step(random_codes(policy, 1, 0)[0]).cycles} >= {
            "emulator", "pynq in C", "pynq in Python"}


@pytest.mark.parametrize("name", ["pynq in C", "emulator"])
def test_a_reset_in_mid_frame(accel, policy, monkeypatch, name):
    """A time-out while the accelerator works, then a reset: the next answers are right, and their latencies."""
    codes = random_codes(policy, 4, 8)
    with DEVICES[name](*accel, monkeypatch) as factory, factory() as device:
        latency = device.step(codes[0]).cycles
        device._registers.write(registers.TIMEOUT, latency // 2)
        with pytest.raises(ToolError, match=r"^every inference must be done within TIMEOUT .*found a timeout \(STATUS"):
            device.step(codes[1])
        device._registers.write(registers.TIMEOUT, 100_000)
        device.reset()
        replies = [device.step(row) for row in codes]
        assert device.stats()["inferences"] == 4 and device.stats()["latency_max"] == latency
    assert np.array_equal([reply.accumulators for reply in replies], integer.accumulators(policy, codes))
