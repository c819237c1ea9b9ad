"""What a device with a bridge checks, writes and reads, on a model of the bridge."""
import re

import numpy as np
import pytest

from quarl.host.accelerator import registers
from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.errors import ToolError, UserError
from tests.host.devices.bridge_model import LATENCY, BridgeModel, ModelDevice, describe
from tests.host.helpers import make_policy, random_codes, random_policy, refused

BUILD = "build the accelerator again with `quarl build RUN`"
RESET = "reset the device; if it comes again, build with `quarl build` and report it"


@pytest.fixture
def policy():
    return random_policy([5, 7, 3], 4, 3, 8, seed=0)


@pytest.fixture
def device(policy, tmp_path):
    return ModelDevice(policy, tmp_path, BridgeModel(policy, describe(policy, tmp_path)))


@pytest.mark.parametrize("name, value, expected", [
    ("ID", 0x51524C32, "51524c31"), ("ID", 0, "51524c31"), ("VERSION", 0x00020000, "00010000"),
    ("BUILD_ID", 0x12345678, None), ("GEOMETRY", 0x00010002, "00060005"), ("BUILD_ID", 0xFFFFFFFF, None)])
def test_open_checks_the_hardware(device, policy, name, value, expected):
    device.model.forced[getattr(registers, name)] = value
    rule = f"register {name} must read 0x{expected or f'{policy.build_id:08x}'}"
    with refused(ToolError, rule, f"0x{value:08x}", BUILD):
        device.open()
    assert device.model.closed
    with pytest.raises(UserError, match=r"^a device must be open"):
        device.reset()
    device.model.forced.clear()
    device.open()


def test_a_newer_minor_version_will_do(device):
    device.model.forced[registers.VERSION] = 0x00010007
    device.open()


def test_registers_of_all_ones(device):
    device.model.forced[registers.ID] = 0xFFFFFFFF
    with refused(ToolError, "the bridge must answer at its address", "a register read of all ones",
                 "load the accelerator's bitstream: none may be loaded, or it has no bridge at this address, or its "
                 "clock is off"):
        device.open()
    assert device.model.closed


def test_the_accelerator_of_another_policy(tmp_path, policy):
    device = ModelDevice(make_policy(), tmp_path, BridgeModel(policy, describe(policy, tmp_path)))
    with refused(UserError, f"the accelerator must be built from this policy (hash {make_policy().hash[:12]}…)",
                 policy.hash[:12] + "…", "build it again with `quarl build RUN`"):
        device.open()


@pytest.mark.parametrize("latency, timeout", [(100, 100_000), (22_500, 100_000), (1_000_000, 4_010_000)])
def test_the_timeout_grows_with_the_design(device, policy, tmp_path, latency, timeout):
    describe(policy, tmp_path, latency_cycles=latency)
    device.open()
    assert device.model.values[registers.TIMEOUT] == timeout


def test_open_abandons_what_an_earlier_owner_began(device, policy):
    device.model.status = registers.STATUS_BUSY | registers.STATUS_OVERRUN
    device.model.values[registers.COUNT] = 9
    with device:
        assert device.stats()["inferences"] == 0
        assert device.step(random_codes(policy, 1, 0)[0]).cycles == LATENCY


def test_stats(device, policy):
    with device:
        assert device.stats() == {"inferences": 0, "latency_min": None, "latency_max": None, "latency_sum": 0,
                                  "cycles": 2 ** 32 + 7, "stall_cycles": 3, "accelerator": device.description.hash}
        for row in random_codes(policy, 3, 0):
            device.step(row)
        device.model.values[registers.LATENCY_SUM_HI] = 2
        assert device.stats() == {"inferences": 3, "latency_min": LATENCY, "latency_max": LATENCY,
                                  "latency_sum": 2 * 2 ** 32 + 3 * LATENCY, "cycles": 2 ** 32 + 7, "stall_cycles": 3,
                                  "accelerator": device.description.hash}


@pytest.mark.parametrize("make, found", [
    (lambda model: setattr(model, "hangs", True), "a timeout (STATUS 0x00000019)"),
    (lambda model: model.forced.update({registers.WAIT: 0x1E}), "a timeout and an overrun (STATUS 0x0000001e)"),
    (lambda model: model.forced.update({registers.WAIT: 0xFFFFFFFF}), "a timeout and an overrun (STATUS 0xffffffff)"),
    (lambda model: model.write(registers.CTRL, 0), "none that was started (STATUS 0x00000002)")])
def test_an_inference_that_is_not_done_is_no_answer(device, policy, make, found):
    codes = random_codes(policy, 2, 0)
    with device:
        expected = device.step(codes[1]).accumulators
        make(device.model)
        with refused(ToolError, "every inference must be done within TIMEOUT cycles of its start", found, RESET):
            device.step(codes[0])
        device.model.hangs = False
        device.model.forced.clear()
        device.reset()
        assert np.array_equal(device.step(codes[1]).accumulators, expected)


def test_one_access_for_each_word(device, policy):
    words = device.model.geometry
    with device:
        device.model.accesses = 0
        device.step(random_codes(policy, 1, 0)[0])
        assert device.model.accesses == words.observation.words + words.action.words + 2     # WAIT, LATENCY_LAST


def test_a_description_that_is_not_the_hardwares(device, policy, tmp_path):
    describe(policy, tmp_path, Geometry(Stream(1, 5, 8, 48), device.model.geometry.action))
    with refused(ToolError, "register GEOMETRY must read 0x00060006", re.compile("0x00060005"), BUILD):
        device.open()
