"""The command: what it prints, its errors, and a whole search."""
import json
import subprocess
import sys

import pytest

from quarl.build_flows import cli
from quarl.build_flows.search import estimate as estimating
from quarl.build_flows.search import trials as measuring
from quarl.build_flows.study import results
from quarl.build_flows.study.executors.local import Local
from quarl.build_flows.study.jobs import Outcome
from quarl.build_flows.study.lock import alone_in
from quarl.host.errors import UserError
from tests.build_flows.search.search_work import SEARCH, Measure, dies, estimate

ARGUMENTS = ("search", "--task", "CartPole-v1", "--seeds", "2", "--episodes", "2", "--steps", "512", "--trials", "3")


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """The command in ``tmp_path``, with results at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measuring, "Measuring", lambda runs, folder, executor: Measure())
    monkeypatch.setattr(estimating, "estimate", estimate)
    return lambda *more: cli.main([*ARGUMENTS, *more])


def test_it_prints_the_chosen_design_and_the_pareto_set(quick, capsys):
    assert quick("--json") == 0
    shown = capsys.readouterr().out
    assert "trial 2 of 3: W4-3-4A4-3I8 h32, about 932 LUT, 42 cycles; best so far W8A8I8 h64, 3179 LUT" in shown
    assert "fp32: return 500.0; parity from 475.0; 3 trained, 0 ruled out by estimates, 0 failed" in shown
    assert "chosen: W4-3-4A4-3I8 h32, return 500.0, 939 LUT, 42 cycles: runs/search/CartPole-v1-ppo-qatW4-3" in shown
    assert "that is 30 % of the LUTs of the 8-bit policy, 3179" in shown
    result = json.loads(shown.splitlines()[-1])
    assert result["chosen"]["bits"] == {"weight": [4, 3, 4], "act": [4, 3], "input": 8, "per_channel": False}
    assert (result["chosen"]["lut"], result["of_8_bits"]["lut"]) == (939, 3179)
    assert [each["lut"] for each in result["pareto"]] == [804, 939]
    assert result["trained"] == 3 and result["out"] == "searches/CartPole-v1-ppo"
    assert quick("--json") == 0 and json.loads(capsys.readouterr().out.splitlines()[-1]) == result


def test_nothing_at_parity(quick, capsys, monkeypatch):
    monkeypatch.setattr("tests.build_flows.search.search_work.returns_of",
                        lambda point: [9.0 if point.quantised else 500.0] * 2)
    assert quick("--json") == 0
    shown = capsys.readouterr().out
    assert "no policy at parity; go on with more --trials, or a wider --parity" in shown
    assert json.loads(shown.splitlines()[-1])["chosen"] is None


@pytest.mark.parametrize(("more", "message"), [
    (("--task", "CartPoll-v1", "--steps", "9"), "CartPoll"), (("--algo", "pp"), "the algorithm must be one of"),
    (("--parity", "good"), "--parity must be std, or a share of the fp32 policy's return such as 5%, found good. "
                           "Fix: pass --parity 5%."),
    (("--trials", "0"), "--trials must be 1 or more, found 0. Fix: pass --trials 2."),
    (("--jobs", "0"), "--jobs must be 1 or more, found 0. Fix: pass --jobs 2.")])
def test_errors(quick, capsys, tmp_path, more, message):
    assert quick(*more) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("error: ") and message in shown.err and shown.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_one_search_at_a_time(quick, capsys, tmp_path):
    with alone_in(tmp_path / "searches" / "CartPole-v1-ppo"):
        assert quick() == 2
    assert "one search at a time may write a results folder, found another one at work in searches/CartPole-v1-ppo. " \
           "Fix: wait until it has ended, or choose another --out.\n" in capsys.readouterr().err


class Here:
    """An executor that does jobs in this process."""

    workers = 1

    def outcomes(self, jobs, work, runs):
        return ((job, work(job, runs)) for job in jobs)


def test_results_are_kept_and_failures_are_tried_again(tmp_path, capsys):
    points, calls = SEARCH.reference(), []

    def work(job, runs):
        calls.append(job.title)
        whole = {"training": {"trained_timesteps": 512, "seconds": 1}, "parity": None, "versions": {}, "seconds": 1,
                 "evaluation": {"backend": "torch", "episodes": 2, "seed": 0, "returns": [1.0, 3.0]}}
        return Outcome(({"error": "no"} if len(calls) == 1 else whole,))
    measure = measuring.Measuring(tmp_path / "runs", tmp_path, Here(), work)
    assert measure(points[:1])[0]["error"] == "no"
    assert [record["name"] for record in measure(points)] == [point.name for point in points]
    assert measure(points)[0]["evaluation"]["returns"] == [1.0, 3.0]
    assert len(calls) == 3 and "CartPole-v1 ppo fp32 seed 0: return 2.0 ± 1.0" in capsys.readouterr().out
    results.path_of(tmp_path, points[1]).write_text("{")
    with pytest.raises(UserError, match="a result of a study must be whole"):
        measure(points)


def test_a_job_that_kills_its_process_has_failed(tmp_path):
    record, = measuring.Measuring(tmp_path / "runs", tmp_path, Local(1), dies)(SEARCH.reference()[:1])
    assert record["error"].startswith("a job must not end the process that does it, found a process that was killed in "
                                      "both of two attempts. Fix: repeat the command; if memory was short, with fewer")


def test_help_needs_nothing_heavy():
    code = ("import sys; from quarl.build_flows.cli import main\ntry: main(['search', '--help'])\nfinally: "
            "sys.exit(sum(name in sys.modules for name in ('torch', 'optuna', 'sqlalchemy', 'numpy')))")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


@pytest.mark.slow
def test_a_whole_search(tmp_path, monkeypatch, capsys):
    """Untrained policies are at parity with untrained policies: everything is done but learning."""
    monkeypatch.chdir(tmp_path)
    arguments = [*ARGUMENTS, "--parity", "100%", "--json"]
    assert cli.main(arguments) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[-1])
    chosen = first["chosen"]
    assert chosen["parity"] and chosen["seeds"] == 2 and first["trained"] == 3
    assert chosen["latency_cycles"] == json.loads(
        (tmp_path / "runs/search" / chosen["run"] / "accel/reports/timing.json").read_text())["latency_cycles"]
    synthesised = json.loads((tmp_path / "runs/search" / chosen["run"] / "accel/reports/synth.json").read_text())
    assert chosen["lut"] == synthesised["total"]["lut"] and abs(chosen["estimate"]["lut"] / chosen["lut"] - 1) < 0.3
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "searches").rglob("*.json")}
    assert cli.main(arguments) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "searches").rglob("*.json")} == before
    assert cli.main(["report", str(tmp_path / "runs/search" / chosen["run"])]) == 0
