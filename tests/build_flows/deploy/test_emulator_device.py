"""The emulated accelerator as a device: an inference that fails is an error, and a reset leaves no trace."""
import dataclasses

import numpy as np
import pytest

from quarl.host.accelerator import description, registers
from quarl.host.devices.emulator import EmulatorDevice
from quarl.host.errors import ToolError
from quarl.host.policy import integer


@pytest.fixture
def device(built):
    """The built 5-17-3 net, opened."""
    what, _, folder = built
    with EmulatorDevice(what.policy, folder) as opened:
        yield opened


def random_codes(device, n):
    low, high = device.policy.input_range
    return np.random.default_rng(0).integers(low, high + 1, (n, device.policy.features)).astype(np.int8)


def test_an_inference_that_times_out_is_an_error_and_not_the_last_action(device):
    codes = random_codes(device, 20)
    expected = integer.accumulators(device.policy, codes)
    latency = device.step(codes[0]).cycles
    device.emulator.write(registers.TIMEOUT, latency // 2)
    with pytest.raises(ToolError, match=r"^every inference must be done within TIMEOUT cycles of its start, found a "
                                        r"timeout \(STATUS 0x[0-9a-f]{8}\)\. Fix: reset the device"):
        device.step(codes[1])
    device.emulator.write(registers.TIMEOUT, 100000)
    device.reset()
    for row, want in zip(codes, expected, strict=True):
        assert np.array_equal(device.step(row).accumulators, want)


def test_every_latency_after_a_reset_is_that_of_an_inference(device):
    latencies = set()
    for _ in range(3):
        latencies |= {device.step(row).cycles for row in random_codes(device, 5)}
        stats = device.stats()
        assert stats["latency_min"] == stats["latency_max"] and stats["inferences"] == 5
        device.reset()
    assert len(latencies) == 1


@pytest.mark.parametrize(("latency", "timeout"), [(100, 100_000), (22_500, 100_000), (1_000_000, 4_010_000)])
def test_the_timeout_grows_with_the_design(built, monkeypatch, latency, timeout):
    what, _, folder = built
    described = dataclasses.replace(description.read(folder), latency_cycles=latency)
    monkeypatch.setattr(description, "read", lambda _: described)
    with EmulatorDevice(what.policy, folder) as device:
        assert device.emulator.read(registers.TIMEOUT) == timeout
