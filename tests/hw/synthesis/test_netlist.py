"""Netlists after mapping, simulated: they compute what the RTL computes, cycle for cycle."""
from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from quarl.host.accelerator import registers as reg
from quarl.host.devices.emulator import Emulator
from quarl.host.errors import ToolError
from quarl.hw.emulation.emulator import build_emulator
from quarl.hw.synthesis.cell_models import cell_models
from quarl.hw.synthesis.netlist import write_netlist
from tests.hw.helpers import GEOMETRY, model, random_codes


@pytest.fixture(scope="module")
def netlist(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-written pipeline, mapped."""
    return write_netlist(folder, "lut", tmp_path_factory.mktemp("my netlist"))


def test_the_netlist_equals_the_rtl(folder: Path, library: Path, netlist: Path, tmp_path: Path) -> None:
    codes = random_codes(300, 0)
    beats = GEOMETRY.observation.pack(codes).reshape(-1, 3)
    seen = []
    for built, data in ((library, folder), (build_emulator(netlist, GEOMETRY, tmp_path), netlist)):
        emulator = Emulator(built, data)
        for stalls in ((0, 0), (0.5, 0), (0, 0.5), (0.3, 0.7)):
            emulator.stall(*stalls, seed=3)
            seen.append(emulator.stream(beats, 900, 2, 100_000))
        emulator.close()
    for (rtl, *rtl_cycles), (mapped, *cycles) in zip(seen[:4], seen[4:], strict=True):
        assert (GEOMETRY.action.unpack(mapped.reshape(300, -1)) == model(codes)).all()
        assert (mapped == rtl).all()
        assert np.array_equal(cycles, rtl_cycles), "every beat passes in the same cycle"


def test_the_mapped_bridge_answers_as_the_rtl(folder: Path, library: Path, netlist: Path, tmp_path: Path) -> None:
    """Observations written, actions read, in the same number of cycles; and every register reads the same."""
    codes = random_codes(250, 1)
    frames = [np.frombuffer(row.tobytes().ljust(12, b"\0"), "<u4") for row in GEOMETRY.observation.pack(codes)]
    seen = []
    for built, data in ((library, folder), (build_emulator(netlist, GEOMETRY, tmp_path), netlist)):
        emulator = Emulator(built, data)
        emulator.write(reg.CTRL, reg.CTRL_AUTO_START)
        answers = []
        for frame in frames:
            for i, word in enumerate(frame):
                emulator.write(reg.OBSERVATION + 4 * i, int(word))
            assert emulator.read(reg.WAIT) & reg.STATUS_DONE
            answers.append([emulator.read(reg.ACTION), emulator.read(reg.ACTION + 4), emulator.read(reg.LATENCY_LAST)])
        seen.append((answers, [emulator.read(register.offset) for register in reg.REGISTERS]))
        emulator.close()
    (rtl, registers), (mapped, same) = seen
    assert mapped == rtl and same == registers
    actions = np.array([row[:2] for row in mapped], "<u4").tobytes()
    found = np.frombuffer(actions, "<i2").reshape(250, 4)[:, :3]
    assert (found == model(codes)).all()


def test_what_is_simulated_is_the_netlist(netlist: Path) -> None:
    """Only cells and wires are left, and no memory image that could be read instead of the constants."""
    text = (netlist / "netlist.v").read_text()
    assert not re.search(r"\b(always|reg|initial)\b", text)
    assert [file.name for file in netlist.glob("*.dat")] == ["build_id.dat"]
    assert sorted(file.name for file in netlist.iterdir() if file.suffix != ".dat") == [
        "cells.v", "netlist.v", "wrappers.sv"]


def test_models_come_without_delays() -> None:
    text = cell_models(["LUT2", "FDRE", "RAMB18E1"])
    assert re.findall(r"^module (\w+)", text, re.MULTILINE) == ["FDRE", "LUT2", "RAMB18E1"]
    assert "specify" not in text


def test_a_cell_without_a_model() -> None:
    with pytest.raises(ToolError, match=r"a simulation model, found MAGIC"):
        cell_models(["LUT2", "MAGIC"])
