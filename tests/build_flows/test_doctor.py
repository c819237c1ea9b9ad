"""What `quarl doctor` says of machines that have everything, little, or the wrong thing; that builds check first."""
import dataclasses
import json
import re
import time
from types import SimpleNamespace

import pytest

from quarl.build_flows import doctor
from quarl.build_flows.cli import main
from quarl.host.errors import UserError
from quarl.hw.boards import board
from quarl.hw.tools import machine, packages
from quarl.hw.vivado.hls import Hls
from tests.hw.vivado.helpers import HLS, VIVADO, write_board_files, write_hls_library

USUAL = doctor._USUAL


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """No Vivado, openXC7 or Docker; and a policy that is small enough to fold it quickly."""
    monkeypatch.setattr(doctor, "_USUAL", (8, 16, 4))
    for name in ("XILINX_VIVADO", "XILINX_HLS", "FINN_DEPS", "CHIPDB", "PRJXRAY_DB_DIR", "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


@pytest.fixture
def examine(capsys):
    """Call the command: its exit code, its lines by name (status and the rest), its JSON, standard error."""
    def call(*options):
        code = main(["doctor", "--json", *map(str, options)])
        out, err = capsys.readouterr()
        lines = re.findall(r"^(pass|warn|fail)  (.{15})  (.*)$", out, re.MULTILINE)
        return code, {name.strip(): (status, text) for status, name, text in lines}, json.loads(
            out.splitlines()[-1]), err
    return call


def test_what_only_some_need_is_a_warning(examine):
    code, lines, result, err = examine()
    assert code == 0 and result["ready"] and err == ""
    assert {name for name, (status, _) in lines.items() if status == "fail"} == set()
    assert lines["compiler"][0] == "pass" and re.match(r"/usr/bin/g\+\+ \d+\.", lines["compiler"][1])
    assert lines["packages"][0] == "pass" and "finn-plus 1.6.1, pyosys" in lines["packages"][1]
    assert lines["licence"] == ("pass", "none needed: Vivado ML Standard is free for an xc7z020clg400")
    for name, text in (("vivado", "a bitstream needs Vivado, named by --vivado, by XILINX_VIVADO"),
                       ("vitis hls", "a bitstream needs Vivado, named by --vivado"),
                       ("board files", "Vivado needs the board files of tul.com.tw:pynq-z2:part0:1.0, found none"),
                       ("openxc7", "a bitstream by openXC7 needs its tools and databases, found no nextpnr-xilinx")):
        assert lines[name][0] == "warn" and lines[name][1].startswith(text)
    assert lines["room"][0] == "pass" and lines["room"][1].startswith("8-16-4 of 4 bits, engine rom, takes about ")
    assert [check["name"] for check in result["checks"]] == list(lines)
    assert all(check["fix"] for check in result["checks"] if check["status"] != "pass")


def test_a_vivado_with_its_board_files(examine, tmp_path, monkeypatch):
    _, lines, _, _ = examine("--vivado", VIVADO, "--board-files", write_board_files(tmp_path))
    assert lines["vivado"] == ("pass", f"2024.2 at {VIVADO}")
    assert lines["board files"] == ("pass", f"{tmp_path}/pynq-z2/A.0")
    monkeypatch.setenv("QUARL_STUB_VERSION", "2018.3")
    assert "FINN+ supports: 2022.2, 2024.2, found 2018.3" in examine("--vivado", VIVADO)[1]["vivado"][1]


def test_what_the_dma_shell_needs(examine, tmp_path, monkeypatch):
    def look(*options):
        return examine("--vivado", VIVADO, *options)[1]["vitis hls"]

    status, text = look()
    assert status == "warn" and text.startswith("FINN's DMA shell needs Vitis HLS 2024.2, named by XILINX_HLS, beside")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "vitis_hls").symlink_to(HLS)
    monkeypatch.setenv("XILINX_HLS", str(tmp_path))
    assert look()[1].startswith("FINN's DMA shell needs finn-hlslib, found no bnn-library.h in finn-hlslib")
    library = write_hls_library(tmp_path / "library")
    assert look("--hlslib", library) == ("pass", f"{tmp_path}/bin/vitis_hls, finn-hlslib in {library}")


def test_a_vivado_that_does_not_answer(examine, tmp_path, monkeypatch):
    (tmp_path / "vivado").write_text("#!/bin/sh\nsleep 600\n")
    (tmp_path / "vivado").chmod(0o755)
    monkeypatch.setattr(doctor, "_ANSWER_S", 0.5)
    code, lines, _, _ = examine("--vivado", tmp_path / "vivado")
    assert code == 0 and lines["vivado"][0] == "warn"
    for name in ("vivado", "vitis hls"):
        assert "`vivado -version` must tell its version, found no answer in 0.5 s" in lines[name][1]


def test_vitis_hls_has_the_time_that_vivado_leaves(examine, monkeypatch):
    given = []

    def find(vivado, library, *, timeout):
        given.append(timeout)
        return Hls(HLS, VIVADO)

    monkeypatch.setattr(doctor.hls, "find", find)
    monkeypatch.setattr(doctor.installation, "find", lambda *_, timeout: (time.sleep(0.1), SimpleNamespace(
        version="2024.2", program=VIVADO, folder=VIVADO.parent))[1])
    assert examine()[1]["vitis hls"][0] == "pass"
    assert len(given) == 1 and given[0] <= doctor._ANSWER_S - 0.1


def test_what_everyone_needs_is_a_failure_told_after_all_lines(examine, monkeypatch):
    whole = packages.version
    monkeypatch.setattr(packages, "version", lambda name: {"torch": "2.13.0", "qonnx": "none"}.get(name, whole(name)))
    monkeypatch.setenv("PATH", "/nowhere")
    code, lines, result, err = examine()
    assert code == 2 and not result["ready"]
    assert err.startswith("error: to compile the emulator, the program g++ must be on the PATH, found none. Fix: apt")
    assert lines["compiler"][0] == lines["packages"][0] == "fail" and lines["docker"][0] == "warn"
    assert lines["packages"][1].endswith("found qonnx none, torch 2.13.0")
    assert "pip install 'qonnx>=1.0' 'torch<2.13'" in {check["name"]: check["fix"] for check in result["checks"]}[
        "packages"]
    assert lines["exact versions"][0] == "warn" and "torch==2.12.1" in lines["exact versions"][1]


def test_a_small_machine(examine, monkeypatch):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda place: SimpleNamespace(free=2e9))
    monkeypatch.setattr(doctor, "check_memory", lambda gb, who: machine.check_memory(1e6, who))
    code, lines, _, _ = examine()
    assert code == 0 and lines["disk"][0] == "pass"
    assert lines["vivado's disk"][0] == lines["vivado's memory"][0] == "warn"
    assert lines["vivado's disk"][1].startswith("Vivado needs 4 GB of free disk, found 2.0 GB at ")


def test_the_room_on_a_board(monkeypatch):
    monkeypatch.setattr(doctor, "_USUAL", USUAL)
    text = doctor._room(board("pynq-z2"))
    assert text.startswith("8-64-64-4 of 4 bits, engine rom, takes about ")
    found = re.findall(r"([\d.]+) % of pynq-z2's LUTs and (\d+) cycles \((.+?)\)", text)
    assert [fold for *_, fold in found] == ["min-area", "balanced", "min-latency"]
    shares, cycles = [float(share) for share, *_ in found], [int(each) for _, each, _ in found]
    assert 0 < shares[0] < shares[1] <= shares[2] < 70 and cycles[0] > cycles[1] >= cycles[2] > 3
    larger = re.search(r"([\d.]+) % of kv260's LUTs and (\d+) cycles \(min-area\)", doctor._room(board("kv260")))
    assert float(larger[1]) < shares[0] and int(larger[2]) == cycles[0]


def test_a_board_without_room():
    small = dataclasses.replace(board("pynq-z2"), lut=500)
    line = doctor._line("room", lambda: doctor._room(small), doctor.WARN)
    assert line.status == "warn" and isinstance(line.error, UserError)
    assert line.found.startswith("the design must fit 350 LUTs (70 % of pynq-z2's), 220 DSPs and 140 BRAMs, found ab")


def test_an_unknown_board(capsys):
    assert main(["doctor", "--board", "arty"]) == 2
    assert "the board must be a known one, found 'arty'" in capsys.readouterr().err


@pytest.mark.parametrize(("target", "text"), [
    ("emulate", "to compile the emulator, the program g++ must be on the PATH"),
    ("synth", "to compile the emulator, the program g++ must be on the PATH"),
    ("bitstream", "to compile the emulator, the program g++ must be on the PATH")])
def test_a_build_checks_before_any_work(tmp_path, monkeypatch, capsys, target, text):
    (tmp_path / "config.yaml").write_text("{}")
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["build", str(tmp_path), "--target", target]) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f"error: {text}") and err.count("\n") == 1 and out == ""
    assert [file.name for file in tmp_path.iterdir()] == ["config.yaml"]


def test_a_bitstream_needs_memory(tmp_path, monkeypatch, capsys):
    (tmp_path / "config.yaml").write_text("{}")
    monkeypatch.setattr(machine, "_MEMORY", tmp_path / "meminfo")
    (tmp_path / "meminfo").write_text("MemAvailable: 1000000 kB\nSwapFree: 0 kB\n")
    assert main(["build", str(tmp_path), "--target", "bitstream", "--vivado", str(VIVADO), "--board-files",
                 str(write_board_files(tmp_path / "files"))]) == 2
    assert "error: Vivado needs 4 GB of free memory, found 1.0 GB. Fix: end other programs" in capsys.readouterr().err
