"""What is taken into a run, what it is compared with, and what is refused, all without a vendor tool."""
import json
import shutil

import pytest

from quarl.build_flows.bitstream import results
from quarl.build_flows.building import artefacts
from quarl.build_flows.cli import main
from quarl.host.accelerator import description
from quarl.host.errors import UserError
from tests.hw.vivado.helpers import STUB, write_results

COUNTS = {"lut": 330.0, "lut_logic": 330.0, "lut_memory": 0.0, "ff": 210.0, "carry4": 0.0, "dsp": 4.0, "bram36": 1.0}


@pytest.fixture
def run(built, tmp_path):
    """A run with a synthesised accelerator, as far as a bitstream needs one."""
    folder = tmp_path / "run"
    shutil.copytree(built[2], folder / "accel")
    (folder / "config.yaml").write_text("{}")
    groups = {"layer 0": COUNTS, "bridge": {**COUNTS, "lut": 420.0}, "streams": COUNTS}
    (folder / "accel" / "reports" / "synth.json").write_text(json.dumps({"groups": groups, "total": COUNTS}))
    artefacts.mark(folder / "accel", artefacts.built_key(built[2]), "synth")
    return folder


def replayed(run, folder, shell):
    """A kit of that run, replayed."""
    write_results(folder / "results", shell)
    mark = {"key": artefacts.built_key(run / "accel"), "shell": shell}
    (folder / "results" / "kit.json").write_text(json.dumps(mark))
    return folder


@pytest.fixture
def kit(run, tmp_path):
    return replayed(run, tmp_path / "kit", "bridge")


@pytest.mark.parametrize("place", ["", "results"])
def test_results_are_taken_with_their_reports(run, kit, place):
    key = artefacts.built_key(run / "accel")
    found = results.take(kit / place, run / "accel", {"seconds": 5.0})
    accel = run / "accel"
    assert (accel / "accel.bit").read_bytes() == b"bits" and (accel / "accel.hwh").exists()
    assert sorted(file.name for file in (accel / "reports" / "vivado").iterdir()) == [
        "hierarchy.xml", "timing.rpt", "utilisation.rpt"]
    described = description.read(accel)
    assert described.base_address == 0x40000000 and described.versions["vivado"] == "2024.2"
    assert artefacts.is_built(accel, key, ("bitstream",)) and found["bitstream"]["seconds"] == 5.0
    assert found["bitstream"]["slack_ns"]["hold"] == 0.021 and found["bitstream"]["shell"] == "bridge"


def test_the_shells_take_each_others_place(run, kit, tmp_path, capsys):
    accel, dma = run / "accel", replayed(run, tmp_path / "dma", "dma")
    assert main(["import-bitstream", str(run), str(dma)]) == 0
    assert "Vivado 2024.2, FINN's DMA shell: run it with --device finn-dma, slack at 100 MHz" in capsys.readouterr().out
    assert (accel / "settings.json").exists() and description.read(accel).base_address is None
    assert results.take(kit, accel)["bitstream"]["shell"] == "bridge"
    assert not (accel / "settings.json").exists() and description.read(accel).base_address == 0x40000000


def test_every_part_is_compared_with_yosys(run, kit):
    compared = results.take(kit, run / "accel")["bitstream"]["compared"]
    assert list(compared) == ["layer 0", "bridge", "whole"]
    assert compared["layer 0"]["lut"] == {"vivado": 300, "yosys": 330, "error_percent": 10.0}
    assert compared["layer 0"]["bram36"] == {"vivado": 1.5, "yosys": 1, "error_percent": -33.3}
    assert compared["bridge"]["lut"] == {"vivado": 400, "yosys": 420, "error_percent": 5.0}
    assert compared["bridge"]["dsp"]["error_percent"] is None
    assert compared["whole"]["lut"]["vivado"] == 700


def test_results_of_another_build_are_refused(run, kit):
    (kit / "results" / "kit.json").write_text('{"key": "0123456789abcdef"}')
    with pytest.raises(UserError, match=r"must be made for the accelerator that the run holds, found a kit of build "
                                        r"0123456789ab, and build .*\. Fix: make a new kit"):
        results.take(kit, run / "accel")


def test_a_run_without_synthesis_is_refused(run, kit):
    (run / "accel" / "reports" / "synth.json").unlink()
    with pytest.raises(UserError, match=r"which the run must have, found none in .*build the run with --target synth"):
        results.take(kit, run / "accel")
    shutil.rmtree(run / "accel" / "rtl")
    (run / "accel" / "build.json").unlink()
    with pytest.raises(UserError, match="the run must hold a built accelerator"):
        results.take(kit, run / "accel")


def test_a_violation_is_not_taken_and_changes_nothing(run, kit, capsys):
    shutil.copy(STUB / "timing_violated.rpt", kit / "results" / "timing.rpt")
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    assert main(["import-bitstream", str(run), str(kit)]) == 2
    error = capsys.readouterr().err
    assert "error: the setup slack must be at least 0 ns at 100 MHz, found -0.512 ns, worst from top_i" in error
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before
    assert [file.name for file in run.iterdir() if file.name.startswith(".")] == []


def test_the_command_shows_both_figures(run, kit, capsys):
    assert main(["import-bitstream", str(run), str(kit), "--json"]) == 0
    shown = capsys.readouterr().out
    assert "Vivado 2024.2, base address 0x40000000, slack at 100 MHz: setup 1.234 ns, hold 0.021 ns" in shown
    assert "300 (330, +10 %)" in shown and "4711 (8.9 %)" in shown
    assert json.loads(shown.splitlines()[-1])["bitstream"]["total"]["bram36"] == 2.5
