"""Designs, really built: what their run folders are good for."""
import dataclasses
import json

import pytest

from quarl.build_flows.building import artefacts
from quarl.build_flows.cli import main
from quarl.build_flows.study import jobs, results
from quarl.build_flows.study.grid import Point
from quarl.models.runs.run_folder import load_run
from quarl.models.tasks.presets import preset

SETTINGS = preset("ppo", "CartPole-v1", {"total_steps": 512, "net_arch": [16, 16]})
POINT = Point("CartPole-v1", "ppo", "qat3", 1, SETTINGS, episodes=2, hidden=(16, 16), folding="balanced", engine="rom")


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "precision"), [("rom", "qatW8-3-6A5-2"), ("dsp", "qatW8-3-6A5-2"),
                                                   ("rom", "ptq4")])
def test_a_design_from_training_to_the_closed_loop(tmp_path, capsys, engine, precision):
    design = dataclasses.replace(POINT, engine=engine, precision=precision, energy=precision == "ptq4")
    job, = jobs.jobs_of([design])
    assert jobs.perform(job, tmp_path) == jobs.Outcome(())
    measured, = jobs.perform(jobs.Job(design.training, (design,)), tmp_path).measured
    record = results.write(tmp_path / "kept", design, measured)
    assert results.is_done(record), record
    assert results.read(tmp_path / "kept", design) == record

    folder, hardware = tmp_path / design.name, record["hardware"]
    built = artefacts.read(folder / "accel")
    assert record["evaluation"]["backend"] == "emulator" and len(record["evaluation"]["returns"]) == 2
    assert record["parity"] == {"observations": 12_000 + round(sum(record["evaluation"]["returns"])), "mismatches": 0}
    assert hardware["synthesis"] == built["synth"]["total"] and hardware["synthesis"]["lut"] > 500
    assert (hardware["synthesis"]["dsp"] > 0) == (engine == "dsp")
    assert hardware["latency_cycles"] == hardware["estimate"]["latency_cycles"] == built["timing"]["latency_cycles"]
    assert hardware.get("energy_nj") == (built["energy"]["energy_nj"] if design.energy else None)
    assert str(load_run(folder).actor.bits) == str(design.bits())
    if precision.startswith("qatW"):
        assert [layer["weight_bits"] for layer in built["estimate"]["layers"]] == [8, 3, 6]

    assert main(["run", str(folder), "--device", "integer", "--episodes", "2", "--seed", "1", "--json"]) == 0
    played = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert played["return_mean"] * 2 == sum(record["evaluation"]["returns"])
    assert main(["report", str(folder)]) == 0 and (folder / "report.html").exists()


def test_a_design_that_does_not_fit_is_an_error_of_its_point(tmp_path, monkeypatch):
    from quarl.build_flows.building import flow, subject
    from quarl.build_flows.building.options import Options
    from quarl.host.errors import UserError

    def build(what, options, out):
        assert options == Options("kv260", "rom", "synth", "balanced")
        assert (out.parent / "policy" / "manifest.json").exists() and not (out.parent / "train/checkpoint").exists()
        raise UserError("the design must fit", "too much", "choose fewer bits")
    monkeypatch.setattr(flow, "build", build)
    monkeypatch.setattr(subject, "of_run", lambda folder: None)
    design = dataclasses.replace(POINT, board="kv260")
    measured, = jobs.perform(jobs.Job(design.training, (design,)), tmp_path).measured
    assert measured == {"error": "the design must fit, found too much. Fix: choose fewer bits."}
    assert "Traceback" in (tmp_path / design.name / jobs.LOG).read_text()


@pytest.mark.parametrize("wanted", [False, True])
def test_the_energy_of_a_design_is_estimated_where_it_is_wanted(tmp_path, monkeypatch, wanted):
    from quarl.build_flows.building import flow, subject
    from quarl.build_flows.characterise import energy
    from quarl.build_flows.deploy import closed_loop
    from quarl.build_flows.study import measure_design as hardware

    timing, total = {"clock_mhz": 100, "latency_cycles": 19, "interval_cycles": 8.0}, {"lut": 2000}
    built = {"parity": {"observations": 5, "pairs": {}}, "timing": timing, "accel": {"folding": []},
             "synth": {"board": {"name": "pynq-z2"}, "total": total, "percent": {}}, "estimate": {"predicted": {}}}
    bounds, asked = {"low": 10.0, "nominal": 12.5, "high": 60.0}, []

    def estimate(what, accel):
        asked.append((what, accel))
        return {"energy_nj": bounds}
    monkeypatch.setattr(hardware, "_copy_policy", lambda point, runs: None)
    monkeypatch.setattr(subject, "of_run", lambda folder: "subject")
    monkeypatch.setattr(flow, "build", lambda what, options, out: built)
    monkeypatch.setattr(closed_loop, "play", lambda *_: ({"shadow": {"checked": 1, "mismatches": 0}}, tmp_path))
    monkeypatch.setattr("quarl.host.log.run_log.records", lambda log: [{"type": "episode", "return": 7.0}])
    monkeypatch.setattr(energy, "estimate", estimate)
    design = dataclasses.replace(POINT, energy=wanted)
    found = hardware.measure(design, {}, tmp_path)["hardware"]
    assert asked == [("subject", tmp_path / design.name / "accel")] * wanted
    assert found.get("energy_nj") == (bounds if wanted else None)
