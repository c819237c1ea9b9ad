"""Designs, really built: what their run folders are good for."""
import dataclasses
import json
import re

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


def test_a_design_that_does_not_fit_is_an_error_of_its_point(tmp_path):
    settings = preset("ppo", "CartPole-v1", {"total_steps": 512, "net_arch": [512, 512]})
    design = dataclasses.replace(POINT, settings=settings, hidden=(512, 512), precision="qat8", board="kv260")
    measured, = jobs.perform(jobs.Job(design.training, (design,)), tmp_path).measured
    assert re.fullmatch(
        r"the design must fit 81984 LUTs \(70 % of kv260's\), 1248 DSPs and 144 BRAMs, found about \d{6} LUTs, "
        r".* for the smallest folding\. Fix: train with fewer bits .*", measured["error"]), measured
    folder = tmp_path / design.name
    assert (folder / "policy" / "manifest.json").exists() and not (folder / "train" / "checkpoint").exists()
    assert not (folder / "accel").exists()
    assert "Traceback" in (folder / jobs.LOG).read_text()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A design of eight neurons whose energy is wanted, its run folder, and what was measured of it."""
    runs = tmp_path_factory.mktemp("small")
    settings = preset("ppo", "CartPole-v1", {"total_steps": 512, "net_arch": [4, 4]})
    design = dataclasses.replace(POINT, settings=settings, hidden=(4, 4), precision="qat2", episodes=1, energy=True)
    measured, = jobs.perform(jobs.Job(design.training, (design,)), runs).measured
    assert "hardware" in measured, measured
    return design, runs / design.name, measured


def test_the_energy_of_a_design_is_estimated_where_it_is_wanted(small):
    design, folder, measured = small
    bounds = measured["hardware"]["energy_nj"]
    assert bounds == artefacts.read(folder / "accel")["energy"]["energy_nj"]
    assert 0 < bounds["low"] < bounds["nominal"] < bounds["high"]
    without = dataclasses.replace(design, energy=False)
    again, = jobs.perform(jobs.Job(without.training, (without,)), folder.parent).measured
    expected = {name: value for name, value in measured["hardware"].items() if name != "energy_nj"}
    assert again["hardware"] == expected | {"build_seconds": again["hardware"]["build_seconds"]}
    assert again["evaluation"] == measured["evaluation"]


def test_the_command_shows_and_returns_the_estimate_of_the_energy(small, capsys):
    _, folder, measured = small
    assert main(["build", str(folder), "--target", "synth", "--energy", "--json"]) == 0
    out = capsys.readouterr().out
    found = json.loads(out.splitlines()[-1])["energy"]
    assert found["energy_nj"] == measured["hardware"]["energy_nj"]
    assert found == json.loads((folder / "accel" / "reports" / "energy.json").read_text())
    assert "Energy of an action, nJ (estimate, xc7 cells)" in out
    assert f"energy {found['energy_nj']['nominal']:.3g} nJ an action (" in out
