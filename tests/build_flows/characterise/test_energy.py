"""The estimate of the energy: what is refused before any work, sums, and a small design all the way."""
import dataclasses
import json

import numpy as np
import pytest

from quarl.build_flows.building import flow, subject
from quarl.build_flows.building.options import Options
from quarl.build_flows.characterise import energy
from quarl.build_flows.cli import main
from quarl.build_flows.cli.build_tables import show_energy
from quarl.build_flows.report.inputs import read_run
from quarl.host.errors import MismatchError
from quarl.hw.energy.activity import KINDS
from quarl.models.actors.bits import Bits
from tests.build_flows.report.report_runs import make_full_run


@pytest.mark.parametrize(("options", "text"), [
    ((), "--energy goes with --target synth, found --target emulate. Fix: leave it out, or change the target."),
    (("--target", "bitstream"), "--energy goes with --target synth, found --target bitstream."),
    (("--target", "synth", "--board", "kv260"),
     "--energy knows the cells and the leakage of an xc7z020, found --board kv260. Fix: leave it out, or build for ")])
def test_refused_before_any_work(run, capsys, options, text):
    assert main(["build", str(run), "--energy", *options]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: ") and text in err and out == ""
    assert [file.name for file in run.iterdir()] == ["config.yaml"]


def counts(**changes):
    return {**dict.fromkeys(KINDS, 10.0), **changes}


def summed(action=None, idle=None, cycles=50.0, clock_mhz=100.0):
    return energy.summary(action or {"layer 0": counts(), "bridge": counts(lut=500.0)}, idle or {"bridge": counts()},
                          cycles, clock_mhz)


def test_the_whole_is_the_sum_of_its_parts():
    found = summed()
    for bound in ("low", "nominal", "high"):
        dynamic = found["dynamic_nj"][bound]
        assert sum(part[bound] for part in found["parts"].values()) == pytest.approx(dynamic, abs=2e-4)
        assert sum(kind["nj"][bound] for kind in found["kinds"].values()) == pytest.approx(dynamic, abs=1e-3)
        assert dynamic + found["static_nj"][bound] == pytest.approx(found["energy_nj"][bound], abs=2e-4)
    assert found["kinds"]["lut"]["count"] == 510
    assert found["label"] == "estimate, xc7 cells"


@pytest.mark.parametrize(("change", "grows"), [
    ({"action": {"layer 0": counts(ff=1000.0)}}, "dynamic_nj"), ({"cycles": 60.0}, "static_nj"),
    ({"clock_mhz": 50.0}, "static_nj"), ({"idle": {"bridge": counts(clock=900.0)}}, "idle_mw")])
def test_more_activity_or_more_time_takes_more(change, grows):
    base = {"action": {"layer 0": counts()}}
    less, more = summed(**base), summed(**{**base, **change})
    for name in ("dynamic_nj", "static_nj", "idle_mw"):
        for bound in ("low", "nominal", "high"):
            assert more[name][bound] > less[name][bound] if name == grows else (
                more[name][bound] == less[name][bound] or "clock_mhz" in change)


def test_what_waits_takes_power_that_goes_with_the_clock():
    fast, slow = summed(clock_mhz=100.0)["idle_mw"], summed(clock_mhz=50.0)["idle_mw"]
    leaks = summed(idle={"bridge": dict.fromkeys(KINDS, 0.0)})["idle_mw"]
    for bound in ("low", "nominal", "high"):
        assert fast[bound] - leaks[bound] == pytest.approx(2 * (slow[bound] - leaks[bound]), abs=1e-3)


def test_simulations_of_two_lengths_give_what_an_action_takes():
    accel, bridge = ("TOP.emulator_top.%s.mapped_i" % name for name in ("accel_i", "bridge_i"))
    long, short = ({bridge: counts(ff=ff), accel: counts(), f"{accel}.MVTU_rtl_1_i": counts(lut=lut)}
                   for ff, lut in ((70, 10), (30, 8)))
    rates = energy._rates(long, short, 4)
    assert rates.keys() == {"bridge", "streams", "layer 1"}
    assert rates["bridge"] == {**dict.fromkeys(KINDS, 0), "ff": 10}
    assert rates["layer 1"]["lut"] == 0.5 and rates["streams"]["ff"] == 0


def test_what_is_shown_of_the_estimate(tmp_path, capsys):
    show_energy(read_run(make_full_run(tmp_path / "run")).energy)
    out = capsys.readouterr().out
    assert "Energy of an action, nJ (estimate, xc7 cells)" in out and "leakage" in out
    assert ("energy 28.6 nJ an action (25.6 to 164; estimate, xc7 cells), bridge included, over 75 cycles at 100 MHz; "
            "waiting takes 35.1 mW (32.8 to 212)") in " ".join(out.split())


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_small_design_all_the_way(tmp_path):
    """The same observation again and again switches less than different ones; all else stays equal. A netlist that
    computes something else has no energy."""
    what = subject.random((4, 8, 2), Bits(3, 3, 8), 0, tmp_path / "policy", 500)
    flow.build(what, Options(target="synth"), tmp_path / "accel")
    found = energy.estimate(what, tmp_path / "accel")
    assert found == json.loads((tmp_path / "accel/reports/energy.json").read_text())
    assert found == energy.estimate(what, tmp_path / "accel"), "it repeats"
    synth = json.loads((tmp_path / "accel/reports/synth.json").read_text())["total"]
    timing = json.loads((tmp_path / "accel/reports/timing.json").read_text())
    assert found["actions"] == energy.ACTIONS and found["cycles"] > timing["latency_cycles"]
    assert found["parts"].keys() == {"layer 0", "layer 1", "bridge"}
    pins = found["kinds"]["clock"]["count"] / found["cycles"]
    assert synth["ff"] <= pins <= synth["ff"] + synth["lut_memory"]
    assert 0 < found["kinds"]["lut"]["count"] < found["cycles"] * synth["lut_logic"]

    still = dataclasses.replace(what, observations=np.repeat(what.observations[:1], 500, axis=0))
    calm = energy.estimate(still, tmp_path / "accel")
    for kind in ("lut", "ff", "route"):
        assert 0 < calm["kinds"][kind]["count"] < found["kinds"][kind]["count"]
    assert [calm[name] for name in ("cycles", "static_nj", "idle_mw")] == [
        found[name] for name in ("cycles", "static_nj", "idle_mw")]
    assert calm["kinds"]["clock"] == found["kinds"]["clock"]

    first = what.policy.layers[0]
    other = dataclasses.replace(what.policy, layers=(dataclasses.replace(first, weights=-first.weights),
                                                     *what.policy.layers[1:]))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(
            MismatchError, match="the netlist whose toggles are counted must equal the integer reference"):
        patch.setattr(type(other), "hash", what.policy.hash)
        patch.setattr(type(other), "build_id", what.policy.build_id)
        energy.estimate(dataclasses.replace(what, policy=other), tmp_path / "accel")
