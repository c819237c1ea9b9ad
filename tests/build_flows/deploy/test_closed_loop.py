"""The emulated RTL in its environment plays exactly as the reference; the demo, whole, in the slow suite."""
import json
import shutil

import pytest

from quarl.build_flows.building import flow, subject
from quarl.build_flows.building.options import Options
from quarl.build_flows.cli import main
from quarl.build_flows.deploy.closed_loop import play
from quarl.host.errors import UserError
from quarl.host.log.run_log import records
from quarl.host.loop.settings import Settings
from quarl.models.play.evaluate import evaluate


@pytest.fixture(scope="module")
def run(trained_run, tmp_path_factory):
    """The trained run, built."""
    folder = shutil.copytree(trained_run, tmp_path_factory.mktemp("closed") / "run")
    flow.build(subject.of_run(folder), Options(), folder / "accel")
    return folder


def test_emulator_and_reference_take_the_same_actions(run):
    emulated, log = play(run, "emulator", Settings(3, seed=5))
    computed, other = play(run, "integer", Settings(3, seed=5))
    actions = [[r["action"] for r in records(path) if r["type"] == "step"] for path in (log, other)]
    assert actions[0] == actions[1] and len(actions[0]) == emulated["steps"]
    assert emulated["return_mean"] == computed["return_mean"]
    returns = [record["return"] for record in records(log) if record["type"] == "episode"]
    assert returns == [record["return"] for record in records(other) if record["type"] == "episode"]
    assert returns == evaluate(run, 3, 5, "integer").tolist(), "software plays the episodes of the device"


def test_the_summary_has_cycles_times_and_percentiles(run):
    summary, log = play(run, "emulator", Settings(2))
    assert summary["fpga_cycles"]["min"] > 0
    assert summary["fpga_us"] == summary["fpga_cycles"]["p50"] / summary["clock_mhz"]
    assert set(summary["latency_us"]) == {"encode", "device", "decode", "env", "policy"}
    assert all(set(values) == {"p50", "p90", "p99"} for values in summary["latency_us"].values())
    assert summary["device_stats"]["inferences"] == summary["steps"]
    kinds = [record["type"] for record in records(log)]
    assert kinds[0] == "run" and kinds[-1] == "summary" and kinds.count("episode") == 2


def test_the_shadow_of_several_environments_on_the_emulator(run):
    summary, _ = play(run, "emulator", Settings(4, seed=1, envs=3, shadow=1.0))
    alone, _ = play(run, "emulator", Settings(4, seed=1))
    assert summary["shadow"] == {"checked": summary["steps"], "mismatches": 0}
    assert (summary["steps"], summary["return_mean"]) == (alone["steps"], alone["return_mean"])


def test_a_run_that_trained_on_needs_a_new_export(run, tmp_path):
    changed = shutil.copytree(run, tmp_path / "run")
    result = json.loads((changed / "train" / "result.json").read_text())
    (changed / "train" / "result.json").write_text(json.dumps({**result, "mean_return": -1.0}))
    with pytest.raises(UserError, match="the policy package must come from this run's training"):
        subject.of_run(changed)


@pytest.mark.slow
def test_the_demo_reaches_475_on_the_emulated_rtl(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "demo"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["closed_loop"]["return_mean"] >= 475
    assert all(pair["mismatches"] == 0 for pair in result["parity"]["pairs"].values())
    assert (tmp_path / "demo" / "report.html").stat().st_size > 100_000
