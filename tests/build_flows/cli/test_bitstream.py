"""`quarl build --target bitstream` as a user meets it, with a stand-in for Vivado."""
import functools
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from quarl.build_flows.building import subject
from quarl.build_flows.cli import main
from quarl.hw.tools import machine
from quarl.hw.vivado import installation
from tests.hw.vivado.helpers import HLS, VIVADO, need_tclsh, write_board_files, write_hls_library


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run folder as far as the checks before any work look at it, and no Vivado on the machine."""
    monkeypatch.delenv("XILINX_VIVADO", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(installation, "USUAL", Path("/nowhere"))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("{}")
    return tmp_path / "run"


@pytest.fixture
def trained(trained_run, tmp_path, monkeypatch):
    """A copy of the trained run, whose observations are collected once and not by every command."""
    need_tclsh()
    monkeypatch.setattr(subject, "of_run", functools.cache(subject.of_run))
    return shutil.copytree(trained_run, tmp_path / "run")


def failed(capsys, *arguments):
    """The one line on standard error."""
    assert main([str(a) for a in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1, error
    return error


@pytest.mark.parametrize(("options", "text"), [
    ((), "a bitstream needs Vivado, named by --vivado, by XILINX_VIVADO, on the PATH or in /nowhere, found none. Fix"),
    (("--vivado", "/nowhere"), "--vivado must name Vivado's folder, the one with bin/vivado, found /nowhere, which "),
    (("--vivado", VIVADO), "Vivado needs the board files of tul.com.tw:pynq-z2:part0:1.0, found none: there is no "),
    (("--vivado", VIVADO, "--timeout", "0"), "--timeout must be above 0 seconds, found 0.0."),
    (("--fold", "flat"), "--fold must be min-area, balanced, min-latency or the cycles that an action "
                           "may take, found flat."),
    (("--shell", "dmas"), "--shell must be one of bridge, dma, found dmas."),
    (("--hlslib", "x"), "--hlslib goes with --shell dma, found --shell bridge. Fix: leave it out"),
    (("--board", "pynq-z3"), "the board must be a known one, found 'pynq-z3'. Fix: write pynq-z"),
    (("--board", "zcu111", "--script-only"), "FINN+'s Zynq flow must know the board, found zcu111."),
    (("--board", "kv260", "--verify-netlist"), "--verify-netlist simulates the cells of a Zynq-7000, found --board kv"),
    (("--board", "kv260", "--toolchain", "openxc7"), "openXC7 builds for Zynq-7000 boards, found kv260 with a xck26"),
])
def test_what_is_missing_is_told_before_any_work(run, capsys, options, text):
    assert text in failed(capsys, "build", run, "--target", "bitstream", *options)
    assert [file.name for file in run.iterdir()] == ["config.yaml"]


def test_a_wrong_version_and_a_full_disk(run, capsys, monkeypatch, tmp_path):
    command = ("build", run, "--target", "bitstream", "--vivado", VIVADO, "--board-files",
               write_board_files(tmp_path / "files"))
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda place: SimpleNamespace(free=1e9))
    assert re.search(r"needs 4 GB of free disk, found 1\.0 GB at .*/run\. Fix: free some", failed(capsys, *command))
    monkeypatch.setenv("QUARL_STUB_VERSION", "2018.3")
    assert "Vivado must be one that FINN+ supports: 2022.2, 2024.2, found 2018.3" in failed(capsys, *command)


def test_what_the_dma_shell_needs_more(run, capsys, monkeypatch, tmp_path):
    command = ("build", run, "--target", "bitstream", "--vivado", VIVADO, "--board-files",
               write_board_files(tmp_path / "files"), "--shell", "dma")
    monkeypatch.delenv("XILINX_HLS", raising=False)
    assert re.search(r"needs Vitis HLS 2024\.2, .*, found none\. Fix: install it with", failed(capsys, *command))
    monkeypatch.setenv("PATH", f"{HLS.parent}:/usr/bin:/bin")
    assert re.search(r"needs finn-hlslib, found no bnn-library\.h in .*\. Fix: run `git clone .*` and pass that folder "
                     "with --hlslib", failed(capsys, *command))
    assert [file.name for file in run.iterdir()] == ["config.yaml"]


@pytest.mark.parametrize(("option", "target"), [
    (("--script-only",), "synth"), (("--shell", "dma"), "synth"), (("--vivado", "x"), "emulate"),
    (("--timeout", "5"), "synth")])
def test_options_of_another_target(run, capsys, option, target):
    assert f"{option[0]} goes with --target bitstream by Vivado, found --target {target}." in failed(
        capsys, "build", run, "--target", target, *option)


def test_an_unknown_target(run, capsys):
    assert "--target must be one of emulate, synth, bitstream, found bitstrem." in failed(
        capsys, "build", run, "--target", "bitstrem")


@pytest.mark.slow
def test_the_whole_flow_fails_clearly_goes_on_and_is_not_repeated(trained, tmp_path, monkeypatch, capsys):
    run = trained
    build = ("build", run, "--target", "bitstream", "--vivado", VIVADO, "--board-files",
             write_board_files(tmp_path / "files"))
    for mode, text in (
            ("licence", r"found exit code 1: \[Common 17-345\] A valid license was not found .*XILINXD_LICENSE_FILE"),
            ("full", r"No space left on device.*Fix: free some space"),
            ("killed", r"found it was ended by SIGKILL: .*usually lacked memory"),
            ("violated", r"the setup slack must be at least 0 ns at 100 MHz, found -0\.512 ns, worst from top_i"),
            ("overfull", r"must fit the chip's lut, found 60116 of 53200")):
        monkeypatch.setenv("QUARL_STUB", mode)
        assert re.search(text, failed(capsys, *build)), mode
        assert not (run / "accel" / "accel.bit").exists()
        if (run / "vivado" / "work" / "shell.done").exists():      # a finished step that was judged bad is built anew
            (run / "vivado" / "work" / "shell.done").unlink()
    monkeypatch.setenv("QUARL_STUB", "critical")
    assert main([*map(str, build), "--json"]) == 0
    shown = capsys.readouterr().out
    assert "Vivado has 1 critical warnings: [Timing 38-282]" in shown and "Vivado: routing" in shown
    assert json.loads(shown.splitlines()[-1])["bitstream"]["compared"]["whole"]["lut"]["vivado"] > 0
    stamp = (run / "accel" / "accel.bit").stat().st_mtime_ns
    assert main([*map(str, build)]) == 0
    assert (run / "accel" / "accel.bit").stat().st_mtime_ns == stamp
    assert main(["build", str(run), "--target", "bitstream", "--script-only"]) == 0
    assert f"quarl import-bitstream {run} {run}/vivado" in capsys.readouterr().out
    assert main(["import-bitstream", str(run), str(run / "vivado")]) == 0


@pytest.mark.slow
def test_the_dma_shell_takes_the_bridges_place_and_gives_it_back(trained, tmp_path, monkeypatch, capsys):
    run = trained
    bit, settings = run / "accel" / "accel.bit", run / "accel" / "settings.json"
    bridge = ("build", str(run), "--target", "bitstream", "--vivado", str(VIVADO), "--board-files",
              str(write_board_files(tmp_path / "files")))
    dma = (*bridge, "--shell", "dma", "--hlslib", str(write_hls_library(tmp_path / "finn-hlslib")))
    monkeypatch.setenv("PATH", f"{HLS.parent}:/usr/bin:/bin")
    assert main([*bridge]) == 0
    stamp = bit.stat().st_mtime_ns
    for mode, text in (("hls", r"found exit code 1: \[HLS 214-194\] in function .*; repeat the command"),
                       ("licence", r"A valid license was not found .*XILINXD_LICENSE_FILE"),
                       ("killed", "found it was ended by SIGKILL")):
        monkeypatch.setenv("QUARL_STUB", mode)
        assert re.search(text, failed(capsys, *dma)), mode
        assert bit.stat().st_mtime_ns == stamp and not settings.exists()
    monkeypatch.setenv("QUARL_STUB", "")
    assert main([*dma]) == 0
    assert "FINN's DMA shell: run it with --device finn-dma" in capsys.readouterr().out
    assert main(["package", str(run), "--json"]) == 0
    packed = json.loads(capsys.readouterr().out.splitlines()[-1])["accelerator"]
    assert packed == ["accel.json", "accel.bit", "accel.hwh", "settings.json", "reports/synth.json"]
    assert main([*bridge, "--shell", "bridge"]) == 0 and not settings.exists()
