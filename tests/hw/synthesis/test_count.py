"""Synthesis: a small netlist whose parts sum up to the whole."""
from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from quarl.host.errors import ToolError, UserError
from quarl.hw.boards import board
from quarl.hw.synthesis.count import synthesise

Z2 = board("pynq-z2")


def test_the_shell(folder: Path) -> None:
    found = synthesise(folder, "quarl_shell", "lut", Z2)
    parts = [*found["layers"].values(), found["bridge"]]
    assert list(found["layers"]) == ["bias", "total"]
    for name, count in found["total"].items():
        assert count == sum(part[name] for part in parts), name
    assert found["layers"]["bias"]["ff"] == 25, "three lanes of 8 bits and valid"
    assert 300 < found["bridge"]["ff"] < 800
    assert found["total"]["dsp"] == 0
    assert found["percent"]["lut"] == round(100 * found["total"]["lut"] / 53200, 2)
    assert found["tools"]["pyosys"]


def test_the_share_of_the_board_is_of_the_board_as_it_is_now(folder: Path) -> None:
    """A board's description may be edited; what its chip is made of does not change the cached counts."""
    before = synthesise(folder, "quarl_shell", "lut", Z2)
    after = synthesise(folder, "quarl_shell", "lut", dataclasses.replace(Z2, name="half", lut=Z2.lut // 2))
    assert after["percent"]["lut"] == pytest.approx(2 * before["percent"]["lut"], abs=0.02)
    assert (before["board"], after["board"]) == ("pynq-z2", "half")
    assert {**after, "percent": 0, "board": 0} == {**before, "percent": 0, "board": 0}, "seconds too: no second run"


def test_a_chip_of_another_family_is_mapped_anew(folder: Path) -> None:
    seven = synthesise(folder, "quarl_shell", "lut", Z2)["total"]
    found = synthesise(folder, "quarl_shell", "lut", board("kv260"))
    assert found["percent"]["lut"] == round(100 * found["total"]["lut"] / 117120, 2)
    assert found["total"]["ff"] == seven["ff"] and found["total"]["lut"] == pytest.approx(seven["lut"], rel=0.1)
    assert found["board"] == "kv260"


@pytest.mark.slow
def test_the_accelerator_alone(folder: Path) -> None:
    found = synthesise(folder, "accel", "dsp", Z2)
    assert "bridge" not in found
    assert found["total"]["ff"] == sum(layer["ff"] for layer in found["layers"].values())


def test_a_missing_memory_image(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    shutil.copytree(folder, place)
    (place / "bias_memblock.dat").unlink()
    with pytest.raises(ToolError, match=r"Yosys must finish[\s\S]*bias_memblock.dat"):
        synthesise(place, "accel", "dsp", Z2)


def test_an_unknown_engine(folder: Path) -> None:
    with pytest.raises(UserError, match=r"one of rom, dsp, lut, found magic"):
        synthesise(folder, "accel", "magic", Z2)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="must hold RTL sources"):
        synthesise(tmp_path, "accel", "dsp", Z2)
