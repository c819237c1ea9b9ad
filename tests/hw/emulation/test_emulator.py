"""The emulator, and through it the bridge: every register, every way to go wrong, and recovery from it."""
from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quarl.host.accelerator import registers as reg
from quarl.host.devices import emulator as device
from quarl.host.devices.emulator import Emulator
from quarl.host.errors import ToolError
from quarl.hw.boards import board
from quarl.hw.emulation.emulator import build_emulator
from quarl.hw.shell.shell import write_shell
from quarl.hw.stitching.stitch import stitch
from quarl.hw.synthesis.count import synthesise
from tests.hw.helpers import BUILD_ID, GEOMETRY, model, nodes, random_codes

OBS, ACT = GEOMETRY.observation, GEOMETRY.action
FLAGS = reg.STATUS_BUSY | reg.STATUS_DONE | reg.STATUS_OVERRUN | reg.STATUS_TIMEOUT


def words(codes: np.ndarray) -> list[int]:
    """The observation's 32-bit words."""
    padded = np.zeros(OBS.words * 4, np.uint8)
    padded[:OBS.frame_bytes] = OBS.pack(codes)[0]
    return padded.view("<u4").tolist()


def write_observation(emulator: Emulator, codes: np.ndarray) -> None:
    for i, word in enumerate(words(codes)):
        emulator.write(reg.OBSERVATION + 4 * i, word)


def action(emulator: Emulator) -> list[int]:
    raw = np.array([emulator.read(reg.ACTION + 4 * i) for i in range(ACT.words)], "<u4").view(np.uint8)
    return ACT.unpack(raw[:ACT.frame_bytes])[0].tolist()


def expected(codes: np.ndarray) -> list[int]:
    return model(codes)[0].tolist()


def test_identity(emulator: Emulator) -> None:
    assert emulator.read(reg.ID) == reg.ID_VALUE
    assert emulator.read(reg.VERSION) == reg.VERSION_VALUE
    assert emulator.read(reg.BUILD_ID) == BUILD_ID
    assert emulator.read(reg.GEOMETRY) == 6 << 16 | 9
    assert emulator.read(reg.TIMEOUT) == reg.DEFAULT_TIMEOUT
    assert emulator.read(reg.STATUS) == 0
    assert emulator.read(reg.LATENCY_MIN) == 0xFFFFFFFF
    assert emulator.read(0x44) == 0, "an address without a register reads 0"


def test_start_by_command_and_polling(emulator: Emulator) -> None:
    for i, codes in enumerate(random_codes(20, 0)[:, None]):
        write_observation(emulator, codes)
        emulator.write(reg.CTRL, reg.CTRL_START)
        while not emulator.read(reg.STATUS) & reg.STATUS_DONE:
            pass
        assert action(emulator) == expected(codes)
        assert emulator.read(reg.STATUS) >> reg.STATUS_SEQUENCE_SHIFT == i + 1


def test_auto_start_wait_and_statistics(emulator: Emulator) -> None:
    emulator.write(reg.CTRL, reg.CTRL_AUTO_START)
    latencies = []
    for codes in random_codes(20, 1)[:, None]:
        write_observation(emulator, codes)
        assert emulator.read(reg.WAIT) & FLAGS == reg.STATUS_DONE
        assert action(emulator) == expected(codes)
        latencies.append(emulator.read(reg.LATENCY_LAST))
    assert len(set(latencies)) == 1, "the pipeline has one latency"
    assert emulator.read(reg.LATENCY_MIN) == emulator.read(reg.LATENCY_MAX) == latencies[0]
    assert emulator.read(reg.LATENCY_SUM_LO) == 20 * latencies[0]
    assert emulator.read(reg.LATENCY_SUM_HI) == 0
    assert emulator.read(reg.COUNT) == 20
    assert emulator.read(reg.STATUS) & reg.STATUS_AUTO_START


def test_latency_counts_from_the_write_to_the_action(emulator: Emulator) -> None:
    """Two edges to the launch, one for each of two registers, and one for each of three beats to be taken."""
    emulator.write(reg.CTRL, reg.CTRL_AUTO_START)
    write_observation(emulator, random_codes(1, 2))
    emulator.read(reg.WAIT)
    assert emulator.read(reg.LATENCY_LAST) == 2 + 2 + 3


def test_the_observation_can_be_updated_in_part(emulator: Emulator) -> None:
    codes = random_codes(1, 3)
    write_observation(emulator, codes)
    library = emulator._lib
    library.emu_write_bytes.argtypes = [ctypes.c_void_p] + 3 * [ctypes.c_uint32]
    assert library.emu_write_bytes(emulator._handle, reg.OBSERVATION + 4, 0x11223344, 0b0101) == 0
    codes[0, 4], codes[0, 6] = 0x44, 0x22
    assert [emulator.read(reg.OBSERVATION + 4 * i) for i in range(OBS.words)] == words(codes)
    assert library.emu_write_bytes(emulator._handle, reg.CTRL, reg.CTRL_START, 0b1110) == 0
    assert emulator.read(reg.STATUS) & FLAGS == 0, "CTRL needs its low byte"
    emulator.write(reg.CTRL, reg.CTRL_START)
    assert emulator.read(reg.WAIT) & FLAGS == reg.STATUS_DONE
    assert action(emulator) == expected(codes)


def test_a_start_while_busy_is_refused_and_harms_nothing(emulator: Emulator) -> None:
    first, second = random_codes(2, 4)[:, None]
    emulator.write(reg.CTRL, reg.CTRL_AUTO_START)
    emulator.stall(0, 1)
    write_observation(emulator, first)
    write_observation(emulator, second)
    assert emulator.read(reg.STATUS) & FLAGS == reg.STATUS_BUSY | reg.STATUS_OVERRUN
    emulator.stall(0, 0)
    assert emulator.read(reg.WAIT) & FLAGS == reg.STATUS_DONE | reg.STATUS_OVERRUN
    assert action(emulator) == expected(first)
    assert emulator.read(reg.COUNT) == 1
    write_observation(emulator, second)
    assert emulator.read(reg.WAIT) & reg.STATUS_OVERRUN, "overrun stays until a reset"
    assert action(emulator) == expected(second)


@pytest.mark.parametrize("side", ["in", "out"])
def test_timeout_and_recovery_in_mid_frame(emulator: Emulator, side: str) -> None:
    """A stuck accelerator: WAIT gives up, a soft reset frees bridge and accelerator, the next inference is right."""
    emulator.write(reg.CTRL, reg.CTRL_AUTO_START)
    emulator.write(reg.TIMEOUT, 50)
    for seed in range(5):
        stuck, good = random_codes(2, seed)[:, None]
        emulator.stall(0.7, 0.7, seed)
        write_observation(emulator, stuck)
        emulator.idle(seed)                         # some beats may have passed
        emulator.stall(side == "in", side == "out")
        before = emulator.cycles
        if emulator.read(reg.WAIT) & reg.STATUS_BUSY:
            assert 50 <= emulator.cycles - before < 60
            assert emulator.read(reg.STATUS) & FLAGS == reg.STATUS_BUSY | reg.STATUS_TIMEOUT
        emulator.stall(0, 0)
        emulator.write(reg.CTRL, reg.CTRL_SOFT_RESET | reg.CTRL_AUTO_START)
        assert emulator.read(reg.STATUS) == reg.STATUS_AUTO_START
        assert emulator.read(reg.COUNT) == emulator.read(reg.STALL) == 0
        write_observation(emulator, good)
        assert emulator.read(reg.WAIT) & FLAGS == reg.STATUS_DONE
        assert action(emulator) == expected(good)
    assert emulator.read(reg.TIMEOUT) == 50, "a soft reset keeps the settings"


def test_a_start_right_after_a_soft_reset_waits_for_its_end(emulator: Emulator) -> None:
    codes = random_codes(1, 5)
    write_observation(emulator, codes)
    emulator.write(reg.CTRL, reg.CTRL_SOFT_RESET)
    emulator.write(reg.CTRL, reg.CTRL_START)
    assert emulator.read(reg.STATUS) & FLAGS == reg.STATUS_BUSY
    assert emulator.read(reg.WAIT) & FLAGS == reg.STATUS_DONE
    assert action(emulator) == expected(codes)


def test_wait_returns_at_once_when_nothing_runs(emulator: Emulator) -> None:
    before = emulator.cycles
    assert emulator.read(reg.WAIT) == 0
    assert emulator.cycles - before < 5


def test_cycle_counter_and_stall_counter(emulator: Emulator) -> None:
    def cycles() -> int:
        return emulator.read(reg.CYCLES_LO) | emulator.read(reg.CYCLES_HI) << 32

    before, start = cycles(), emulator.cycles
    emulator.idle(1000)
    assert cycles() - before == emulator.cycles - start
    emulator.stall(1, 0)
    emulator.write(reg.CTRL, reg.CTRL_START)
    emulator.idle(100)
    assert 90 < emulator.read(reg.STALL) <= 110


def test_hard_reset(emulator: Emulator) -> None:
    emulator.write(reg.TIMEOUT, 7)
    emulator.write(reg.CTRL, reg.CTRL_AUTO_START)
    emulator.reset()
    assert emulator.read(reg.TIMEOUT) == reg.DEFAULT_TIMEOUT
    assert emulator.read(reg.STATUS) == 0
    assert emulator.read(reg.CYCLES_LO) < 100


def test_one_call_a_step(emulator: Emulator) -> None:
    emulator.write(reg.CTRL, reg.CTRL_AUTO_START)
    result = np.zeros(ACT.words, np.uint32)
    for codes in random_codes(10, 6)[:, None]:
        assert emulator.step(np.array(words(codes), np.uint32), result) == 7
        assert ACT.unpack(result.view(np.uint8)[:ACT.frame_bytes])[0].tolist() == expected(codes)


@pytest.mark.parametrize(("make", "found"), [
    (lambda e: e.write(reg.TIMEOUT, 20), "a timeout"),
    (lambda e: e.write(reg.CTRL, reg.CTRL_START | reg.CTRL_AUTO_START), "a timeout and an overrun"),
    (lambda e: e.write(reg.CTRL, 0), "none that was started")], ids=["timeout", "overrun", "not started"])
def test_a_step_that_is_not_done_has_no_action(emulator: Emulator, make: Callable[[Emulator], None],
                                               found: str) -> None:
    """The words that it could return are an earlier step's."""
    emulator.write(reg.CTRL, reg.CTRL_AUTO_START)
    emulator.write(reg.TIMEOUT, 1000)
    observation, result = np.array(words(random_codes(1, 0)), np.uint32), np.zeros(ACT.words, np.uint32)
    emulator.step(observation, result)
    emulator.stall(0, float(found != "none that was started"))
    make(emulator)
    with pytest.raises(ToolError, match=f"must be done within TIMEOUT cycles.*{found} .STATUS 0x"):
        emulator.step(observation, result)
    emulator.stall(0, 0)
    emulator.write(reg.CTRL, reg.CTRL_SOFT_RESET | reg.CTRL_AUTO_START)
    emulator.idle(reg.RECOVERY_CYCLES)
    assert emulator.step(observation, result) == 7, "no cycle of the reset is counted"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stall_in=st.floats(0, 0.95), stall_out=st.floats(0, 0.95), seed=st.integers(0, 2**32 - 1))
def test_streams_back_to_back_under_stalls(emulator: Emulator, stall_in: float, stall_out: float, seed: int) -> None:
    """Bare streams, then the bridge, both bit-exact; the RTL asserts that no stall breaks the protocol."""
    codes = random_codes(40, seed)
    emulator.stall(stall_in, stall_out, seed)
    out, taken, given = emulator.stream(OBS.pack(codes).reshape(-1, 3), 120, 2, 20000)
    assert (ACT.unpack(out.reshape(40, -1)) == model(codes)).all()
    assert (np.diff(taken.astype(int)) > 0).all() and (np.diff(given.astype(int)) > 0).all()
    emulator.write(reg.CTRL, reg.CTRL_AUTO_START)
    for row in codes[:5, None]:
        write_observation(emulator, row)
        assert emulator.read(reg.WAIT) & reg.STATUS_DONE
        assert action(emulator) == expected(row)
    emulator.stall(0, 0)


def test_a_stream_in_many_calls_is_one_stream(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is looked at between the calls; neither data nor timing shows them."""
    frames = OBS.pack(random_codes(40, 9)).reshape(-1, 3)
    for stalls in ((0.0, 0.0), (0.4, 0.6)):
        found = []
        for chunk in (10**6, 7):
            monkeypatch.setattr(device, "_CHUNK", chunk)
            emulator.reset()
            emulator.stall(*stalls, seed=3)
            found.append(emulator.stream(frames, 120, 2, 20000))
        for whole, parts in zip(*found, strict=True):
            assert (whole == parts).all()


def test_full_throughput_without_stalls(emulator: Emulator) -> None:
    _, taken, given = emulator.stream(OBS.pack(random_codes(50, 7)).reshape(-1, 3), 150, 2, 1000)
    assert (np.diff(taken.astype(int)) == 1).all() and (np.diff(given.astype(int)) == 1).all()
    assert given[0] - taken[0] == 2


def test_a_stuck_stream_returns(emulator: Emulator) -> None:
    emulator.stall(0, 1)
    with pytest.raises(ToolError, match="0 of 3 output beats after 100 cycles"):
        emulator.stream(OBS.pack(random_codes(1, 8)).reshape(-1, 3), 3, 2, 100)


def test_a_failed_assertion_is_an_error_text(emulator: Emulator) -> None:
    """125 + 2 = 0x7F in every lane after the biases: the RTL calls that beat poisoned."""
    codes = np.tile(0x7F - np.array([1, -2, 100]), (1, 3)).astype(np.int8)
    emulator.write(reg.CTRL, reg.CTRL_AUTO_START)
    with pytest.raises(ToolError, match=r"poisoned beat[\s\S]*stream_monitor.sv:"):
        for _ in range(2):
            write_observation(emulator, codes)
            emulator.read(reg.WAIT)
    with pytest.raises(ToolError, match="poisoned beat"):
        emulator.read(reg.ID)


@pytest.mark.parametrize("name", ["bias_memblock.dat", "total_weights.dat", "build_id.dat"])
def test_a_missing_memory_image_is_an_error(library: Path, folder: Path, tmp_path: Path, name: str) -> None:
    place = tmp_path / "copy"
    shutil.copytree(folder, place)
    (place / name).unlink()
    with pytest.raises(ToolError, match=f"file not found.*{name}"):
        Emulator(library, place)
    with pytest.raises(ToolError, match="no such folder"):
        Emulator(library, tmp_path / "nowhere")


def test_the_images_are_read_at_run_time(library: Path, folder: Path, tmp_path: Path) -> None:
    """One build serves every set of weights, and two emulators live side by side."""
    place = tmp_path / "other"
    shutil.copytree(folder, place)
    (place / "build_id.dat").write_text("12345678\n")
    one, other = Emulator(library, folder), Emulator(library, place)
    assert one.read(reg.BUILD_ID) == BUILD_ID
    assert other.read(reg.BUILD_ID) == 0x12345678
    one.close()
    other.close()


def test_the_working_directory_stays(library: Path, folder: Path, tmp_path: Path,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may use relative paths, and the directory may even be gone."""
    place = tmp_path / "gone"
    place.mkdir()
    monkeypatch.chdir(place)
    place.rmdir()
    emulator = Emulator(library, folder)
    assert emulator.read(reg.BUILD_ID) == BUILD_ID
    emulator.close()


_STUB = """
#define F(type, name) type name() { return 0; }
F(int, emu_cycles) F(int, emu_reset) F(int, emu_idle) F(int, emu_write) F(int, emu_step) F(int, emu_stall)
F(int, emu_stream) F(char*, emu_error)
void emu_free() {}
void* emu_new() { static int it; return &it; }
int emu_read(void* e, unsigned address, unsigned* value) { *value = VALUE; return 0; }
"""


def test_a_library_that_is_built_again_is_loaded_again(tmp_path: Path) -> None:
    """Under the same name, whether the file is replaced or written over, and while the old one is in use."""
    for value in (1, 2, 3):
        subprocess.run(["gcc", "-shared", "-fPIC", f"-DVALUE={value}", "-xc", "-", "-o", tmp_path / f"{value}.so"],
                       input=_STUB, text=True, check=True)
    library, emulators = tmp_path / "emulator.so", []
    for value, put in ((1, shutil.copy), (2, os.replace), (3, shutil.copy)):
        put(tmp_path / f"{value}.so", library)
        emulators.append(Emulator(library, tmp_path))
    assert [emulator.read(0) for emulator in emulators] == [1, 2, 3]
    for emulator in emulators:
        emulator.close()


@pytest.mark.slow
def test_spaces_in_the_cache_and_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way from RTL to emulator and synthesis."""
    for variable in ("HOME", "TMPDIR", "QUARL_CACHE"):
        (tmp_path / f"my {variable}").mkdir()
        monkeypatch.setenv(variable, str(tmp_path / f"my {variable}"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    folder = tmp_path / "my rtl"
    stitch(nodes(tmp_path / "my nodes"), folder)
    write_shell(GEOMETRY, BUILD_ID, folder)
    emulator = Emulator(build_emulator(folder, GEOMETRY, tmp_path / "my build"), folder)
    assert emulator.read(reg.BUILD_ID) == BUILD_ID
    emulator.close()
    assert synthesise(folder, "quarl_shell", "lut", board("pynq-z2"))["total"]["lut"] > 100


def test_building_needs_the_shell(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"no build_id\.dat"):
        build_emulator(tmp_path, GEOMETRY, tmp_path)


def test_a_source_that_does_not_compile(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "broken"
    shutil.copytree(folder, place)
    (place / "accel.sv").write_text("module accel (input wire nonsense;\n")
    with pytest.raises(ToolError, match=r"verilator_bin must finish[\s\S]*accel.sv:1"):
        build_emulator(place, GEOMETRY, tmp_path)
    assert not (tmp_path / "emulator.so").exists()
