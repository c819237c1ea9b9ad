"""The board's device on a PC: what it loads, where it looks, and what it says where something is missing."""
import re
import sys
import types

import numpy as np
import pytest

from quarl.host.accelerator import handoff as hwh
from quarl.host.accelerator import registers
from quarl.host.devices import pynq as module
from quarl.host.devices import temperature
from quarl.host.devices.pynq import PynqDevice
from quarl.host.errors import ToolError, UserError
from tests.host.devices import pynq_shim
from tests.host.devices.bridge_model import BridgeModel, describe
from tests.host.helpers import random_codes, random_policy, refused

BITSTREAM = "build it with `quarl build RUN --target bitstream`"
AGAIN = "build the bitstream again with `quarl build RUN --target bitstream`"
HANDOFF = """<EDKSYSTEM><MODULES><MODULE FULLNAME="/zynq_ps"><MEMORYMAP>
  <MEMRANGE BASEVALUE="0x40001000" HIGHVALUE="0x40001FFF" INSTANCE="axi_gpio_0" SLAVEBUSINTERFACE="S_AXI"/>
  %s
</MEMORYMAP></MODULE></MODULES></EDKSYSTEM>"""
RANGE = '<MEMRANGE BASEVALUE="%s" HIGHVALUE="%s" INSTANCE="bridge_0" SLAVEBUSINTERFACE="%s"/>'


@pytest.fixture
def policy():
    return random_policy([5, 7, 3], 4, 3, 8, seed=0)


@pytest.fixture
def board(policy, tmp_path, monkeypatch):
    board = pynq_shim.Board(BridgeModel(policy, describe(policy, tmp_path)))
    pynq_shim.install(monkeypatch, board)
    pynq_shim.step_in_c(monkeypatch)
    (tmp_path / "accel.bit").touch()
    return board


def handoff(folder, *ranges):
    (folder / "accel.hwh").write_text(HANDOFF % "\n".join(RANGE % each for each in ranges))


def test_loads_the_bitstream_and_maps_the_bridge(board, policy, tmp_path):
    handoff(tmp_path, ("0x43C00000", "0x43C01FFF", "s_axi_ctrl"))
    with PynqDevice(policy, tmp_path):
        assert board.loaded == [str(tmp_path / "accel.bit")]
        assert board.mapped == [(0x43C00000, 0x2000)]


def test_the_usual_address_without_a_handoff_file(board, policy, tmp_path):
    with PynqDevice(policy, tmp_path):
        assert board.mapped == [(0x40000000, 0x1000)]
    describe(policy, tmp_path, base_address=0xA0000000)      # of an UltraScale+
    with PynqDevice(policy, tmp_path):
        assert board.mapped[1:] == [(0xA0000000, 0x1000)]


def test_two_processors_may_see_the_same_window(tmp_path):
    handoff(tmp_path, ("0x40000000", "0x40000FFF", "S_AXI_CTRL"), ("0x40000000", "0x40000FFF", "s_axi_ctrl"))
    assert hwh.bridge(tmp_path / "accel.hwh") == (0x40000000, 0x1000)


@pytest.mark.parametrize("ranges, found", [
    ([], 0), ([("0x40000000", "0x40000FFF", "S_AXI")], 0),
    ([("0x40000000", "0x40000FFF", "s_axi_ctrl"), ("0x41000000", "0x41000FFF", "s_axi_ctrl")], 2)])
def test_a_handoff_file_without_one_bridge(tmp_path, ranges, found):
    handoff(tmp_path, *ranges)
    with refused(UserError, "the hardware handoff file must place one slave named s_axi_ctrl",
                 f"{found} in {tmp_path}/accel.hwh", AGAIN + ", and copy both files, .bit and .hwh"):
        hwh.bridge(tmp_path / "accel.hwh")


@pytest.mark.parametrize("text", ["", "<a>", "<a><MEMRANGE SLAVEBUSINTERFACE='s_axi_ctrl' BASEVALUE='x'/></a>",
                                  "<a><MEMRANGE SLAVEBUSINTERFACE='s_axi_ctrl'/></a>"])
def test_a_handoff_file_that_is_none(tmp_path, text):
    (tmp_path / "accel.hwh").write_text(text)
    with refused(UserError, "a bitstream must have a hardware handoff file", re.compile(".*accel.hwh: .+"),
                 AGAIN + ", and copy both files, .bit and .hwh"):
        hwh.bridge(tmp_path / "accel.hwh")


def test_a_window_that_is_too_small(board, policy, tmp_path):
    handoff(tmp_path, ("0x40000000", "0x400003FF", "s_axi_ctrl"))
    with refused(UserError, "the bridge's window must hold an observation: 1032 bytes", "1024 bytes", AGAIN):
        PynqDevice(policy, tmp_path).open()
    assert not board.loaded


def test_no_bitstream(board, policy, tmp_path):
    (tmp_path / "accel.bit").unlink()
    with refused(UserError, "the board needs the accelerator's bitstream", f"no {tmp_path}/accel.bit", BITSTREAM):
        PynqDevice(policy, tmp_path).open()


def test_not_root(board, policy, tmp_path, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with refused(UserError, "the board's hardware needs the rights of root", "user 1000",
                 "run the command with `sudo -E`"):
        PynqDevice(policy, tmp_path).open()
    assert not board.loaded


@pytest.mark.parametrize("version, refuses", [("4.0", True), ("4.0.1", True), ("3.1", False), ("2.7", False)])
def test_pynq_4_has_dropped_the_board(board, policy, tmp_path, monkeypatch, version, refuses):
    pynq_shim.install(monkeypatch, board, version)
    monkeypatch.setattr(module.platform, "machine", lambda: "armv7l")
    device = PynqDevice(policy, tmp_path)
    if refuses:
        with refused(ToolError, "a Zynq-7000 board needs PYNQ 2.7 to 3.1: PYNQ 4 has dropped Zynq-7000",
                     f"PYNQ {version}", "write the image of PYNQ 3.1 to the board's card"):
            device.open()
    else:
        device.open()


def test_a_board_that_does_not_take_the_bitstream(board, policy, tmp_path, monkeypatch):
    def overlay(name):
        raise RuntimeError("No Devices Found")
    monkeypatch.setattr("pynq.Overlay", overlay)
    with refused(ToolError, "pynq must load the bitstream", "RuntimeError: No Devices Found",
                 "run it on the board that the bitstream was built for"):
        PynqDevice(policy, tmp_path).open()


def test_registers_of_all_ones(board, policy, tmp_path):
    board.registers.forced = {address: 0xFFFFFFFF for address in range(0, 0x500, 4)}
    with pytest.raises(ToolError, match=r"^the bridge must answer at its address, found a register read of all ones"):
        PynqDevice(policy, tmp_path).open()


def test_stats_say_how_a_step_is_done(board, policy, tmp_path, monkeypatch):
    monkeypatch.setattr(temperature, "celsius", lambda: 41.5)
    with PynqDevice(policy, tmp_path) as device:
        assert (device.stats()["step"], device.stats()["temperature_c"]) == ("c", 41.5)
    pynq_shim.step_in_python(monkeypatch)
    monkeypatch.setattr(temperature, "celsius", lambda: None)
    with PynqDevice(policy, tmp_path) as device:
        assert device.stats()["step"] == "python" and "temperature_c" not in device.stats()


@pytest.fixture
def zynq(policy, tmp_path, monkeypatch):
    """A board without pynq: its files, and its memory, of which the bridge's window begins at 0x2000."""
    files = types.SimpleNamespace(memory=tmp_path / "mem", tree=tmp_path / "compatible", state=tmp_path / "state")
    geometry = describe(policy, tmp_path)
    words = np.zeros(0x3000 // 4, np.uint32)
    bridge, model = words[0x2000 // 4:], BridgeModel(policy, geometry)
    for address in (registers.ID, registers.VERSION, registers.BUILD_ID, registers.GEOMETRY):
        bridge[address // 4] = model.read(address)
    bridge[registers.WAIT // 4] = registers.STATUS_DONE | registers.STATUS_AUTO_START
    bridge[registers.LATENCY_LAST // 4] = 5
    bridge[registers.ACTION // 4:][:2] = 0x04030201, 0x0605
    files.memory.write_bytes(words.tobytes())
    files.tree.write_bytes(b"xlnx,zynq-7000\0")
    files.state.write_text("operating\n")
    handoff(tmp_path, ("0x2000", "0x2FFF", "s_axi_ctrl"))
    for name, path in (("_MEMORY", files.memory), ("_DEVICE_TREE", files.tree), ("_MANAGER", files.state)):
        monkeypatch.setattr(module, name, path)
    monkeypatch.setitem(sys.modules, "pynq", None)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return files


@pytest.mark.parametrize("compiler", [True, False])
def test_attaches_to_what_is_loaded(zynq, policy, tmp_path, monkeypatch, compiler):
    """The real accesses to a mapped file: the frame lands in it, the accumulators come from it."""
    if not compiler:
        pynq_shim.step_in_python(monkeypatch)
    codes = random_codes(policy, 1, 0)[0]
    with PynqDevice(policy, tmp_path) as device:
        reply = device.step(codes)
        assert device.stats()["step"] == ("c" if compiler else "python")
    assert reply.accumulators.tolist() == [1, 3, 5] and reply.cycles == 5       # of 9 bits, the rest is padding
    window = zynq.memory.read_bytes()[0x2000:]
    assert np.frombuffer(window, np.int8, 8, registers.OBSERVATION).tolist() == [*codes, 0, 0, 0]
    assert np.frombuffer(window, np.uint32, 1, registers.TIMEOUT) == registers.DEFAULT_TIMEOUT


def test_a_machine_that_is_no_board(zynq, policy, tmp_path):
    for tree in (b"raspberrypi,4\0", None):
        zynq.tree.write_bytes(tree) if tree else zynq.tree.unlink()
        with refused(ToolError, "the pynq device must run on a Zynq board", "a machine of another kind",
                     "run it on the board, or choose --device emulator"):
            PynqDevice(policy, tmp_path).open()


def test_nothing_is_loaded(zynq, policy, tmp_path):
    zynq.state.write_text("unknown\n")
    with refused(ToolError, "without the package pynq, a bitstream must be loaded before", "the FPGA in state unknown",
                 "install pynq, or load accel.bit first"):
        PynqDevice(policy, tmp_path).open()


def test_attaching_needs_root(zynq, policy, tmp_path, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 5)
    with pytest.raises(UserError, match=r"^the board's hardware needs the rights of root, found user 5"):
        PynqDevice(policy, tmp_path).open()


def test_no_memory_device(zynq, policy, tmp_path):
    zynq.memory.unlink()
    with refused(ToolError, "the bridge's registers must be mapped", re.compile("No such file.* at .*/mem"),
                 "use a kernel with /dev/mem, or install pynq"):
        PynqDevice(policy, tmp_path).open()


def test_temperature(tmp_path, monkeypatch):
    monkeypatch.setattr(temperature, "_DEVICES", tmp_path)
    assert temperature.celsius() is None
    for index, (name, raw) in enumerate((("other", "1"), ("xadc", None), ("xadc", "2579"))):
        folder = tmp_path / f"iio:device{index}"
        folder.mkdir()
        (folder / "name").write_text(name + "\n")
        (folder / "in_temp0_offset").write_text("-2219\n")
        (folder / "in_temp0_scale").write_text("123.040771484\n")
        if raw:
            (folder / "in_temp0_raw").write_text(raw + "\n")
    assert temperature.celsius() == pytest.approx((2579 - 2219) * 0.123040771484, abs=0.005)
