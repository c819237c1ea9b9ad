"""FINN+'s own driver, unmodified, on a PC: what the adapter hands it, and what it says where something is missing."""
import json
import sys

import numpy as np
import pytest

from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.devices import finn_dma
from quarl.host.devices.finn_dma import FinnDmaDevice
from quarl.host.errors import ToolError, UserError
from quarl.host.policy.integer import accumulators
from tests.host.devices import pynq_shim
from tests.host.devices.bridge_model import describe
from tests.host.helpers import random_codes, random_policy, refused

pytestmark = pytest.mark.skipif(not pynq_shim.FINN_DRIVER.is_dir(), reason="no FINN+ driver in the environment")
FIX = "copy the settings.json and the accel.bit of one build"


@pytest.fixture
def policy():
    return random_policy([6, 9, 4], 8, 4, 8, seed=2)


class Setup:
    """A folder for the board, and the accelerator in numpy."""

    def __init__(self, policy, folder, monkeypatch, geometry=None):
        self.policy, self.folder = policy, folder
        self.geometry = describe(policy, folder, geometry or Geometry(Stream(3, 2, 8, 16), Stream(4, 1, 20, 24)))
        self.settings = pynq_shim.finn_settings(self.geometry)
        (folder / "accel.bit").touch()
        (folder / "settings.json").write_text(json.dumps(self.settings))
        self.frames, self.answers = [], True
        self.board = pynq_shim.Board(compute=self.compute)
        pynq_shim.install(monkeypatch, self.board)

    def compute(self, frame):
        self.frames.append(frame.copy())
        if not self.answers:
            return None
        codes = self.geometry.observation.unpack(frame.reshape(-1)).astype(np.int8)
        return self.geometry.action.pack(accumulators(self.policy, codes))[0]

    def device(self):
        return FinnDmaDevice(self.policy, self.folder)


@pytest.fixture
def setup(policy, tmp_path, monkeypatch):
    return Setup(policy, tmp_path, monkeypatch)


def test_equals_the_reference_and_the_drivers_own_execute(setup, policy):
    codes = random_codes(policy, 30, 0)
    with setup.device() as device:
        assert setup.board.loaded == [str(setup.folder / "accel.bit")]
        for row, expected in zip(codes, accumulators(policy, codes), strict=True):
            assert np.array_equal(device.step(row).accumulators, expected)
            assert np.array_equal(device.driver.execute(row.astype(np.float32)[None])[0], expected)
            assert np.array_equal(setup.frames[-1], setup.frames[-2]), "packed as the driver packs"
        assert device.stats()["inferences"] == 30


@pytest.mark.parametrize("observation, action", [
    (Stream(6, 1, 4, 8), Stream(4, 1, 11, 16)), (Stream(2, 3, 4, 16), Stream(2, 2, 13, 32)),
    (Stream(1, 6, 3, 24), Stream(1, 4, 16, 64)), (Stream(1, 6, 8, 48), Stream(4, 1, 32, 32))])
def test_packs_as_the_driver_does(tmp_path, monkeypatch, observation, action):
    policy = random_policy([6, 9, 4], 3, 2, observation.bits, seed=3)
    setup = Setup(policy, tmp_path, monkeypatch, Geometry(observation, action))
    codes = random_codes(policy, 5, 1)
    with setup.device() as device:
        for row, expected in zip(codes, accumulators(policy, codes), strict=True):
            assert np.array_equal(device.step(row).accumulators, expected)
            assert np.array_equal(device.driver.execute(row.astype(np.float32)[None])[0], expected)
            assert np.array_equal(setup.frames[-1], setup.frames[-2])


def test_every_accumulator_is_exact(tmp_path, monkeypatch):
    """The driver's own unpacking ends in float32, which 2**24 + 1 does not fit."""
    policy = random_policy([6, 9, 4], 8, 8, 8, seed=2)
    setup = Setup(policy, tmp_path, monkeypatch, Geometry(Stream(1, 6, 8, 48), Stream(4, 1, 32, 32)))
    found = [2 ** 24 + 1, -2 ** 31, 2 ** 31 - 1, -2 ** 24 - 1]
    setup.compute = lambda frame: np.array(found, "<i4").view(np.uint8)
    setup.board.compute = setup.compute
    with setup.device() as device:
        assert device.step(random_codes(policy, 1, 0)[0]).accumulators.tolist() == found
        assert device.driver.execute(np.zeros((1, 6), np.int8))[0].tolist() != found


def test_an_inference_that_never_ends(setup, policy, monkeypatch):
    monkeypatch.setattr(finn_dma, "_PATIENCE", 0.01)
    codes, setup.answers = random_codes(policy, 1, 0)[0], False
    fix = "reset the device, which loads the bitstream again"
    with setup.device() as device:
        with refused(ToolError, "every inference must end", "the output DMA busy after 0.01 s", fix):
            device.step(codes)
        with refused(ToolError, "every inference must end", "Output DMA 0 is not idle", fix):
            device.step(codes)
        setup.answers = True
        device.reset()
        assert len(setup.board.loaded) == 2
        device.step(codes)
        assert device.stats()["inferences"] == 1
        device.reset()
        assert len(setup.board.loaded) == 2 and device.stats()["inferences"] == 0


@pytest.mark.parametrize("text, found", [
    (None, "FileNotFoundError: .*settings.json'"), ("{", "JSONDecodeError: .*"), ("[]", "TypeError: .*"),
    ("{}", "KeyError: 'driver_information'"), ('{"driver_information": {"io_shape_dict": {}}}',
                                               "KeyError: 'ishape_packed'")])
def test_settings_that_are_none(setup, text, found):
    path = setup.folder / "settings.json"
    path.write_text(text) if text else path.unlink()
    with pytest.raises(UserError, match=r"^the finn-dma device needs the settings\.json of FINN's build, found "
                                        + found + r"\. Fix: " + FIX):
        setup.device().open()


def test_settings_of_another_accelerator(setup):
    setup.settings["driver_information"]["io_shape_dict"]["oshape_packed"] = [[1, 4, 4]]
    (setup.folder / "settings.json").write_text(json.dumps(setup.settings))
    with refused(UserError, "settings.json must have the accelerator's packed shapes [[[1, 3, 2]], [[1, 4, 3]]]",
                 "[[[1, 3, 2]], [[1, 4, 4]]]", FIX):
        setup.device().open()
    assert not setup.board.loaded


def test_no_pynq(setup, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynq", None)
    with refused(ToolError, "the finn-dma device needs the package pynq", "none", "run it on the board's own image"):
        setup.device().open()


def test_no_driver(setup, monkeypatch):
    monkeypatch.setitem(sys.modules, "finn_plus_driver", None)
    with pytest.raises(ToolError, match=r"^the finn-dma device needs the package finn-plus-driver, found .*"
                                        r"Fix: install it with `pip install --no-deps finn-plus-driver`"):
        setup.device().open()


def test_not_root_and_no_bitstream(setup, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(UserError, match=r"^the board's hardware needs the rights of root, found user 1000"):
        setup.device().open()
    (setup.folder / "accel.bit").unlink()
    with pytest.raises(UserError, match=r"^the board needs the accelerator's bitstream, found no .*accel\.bit"):
        setup.device().open()
