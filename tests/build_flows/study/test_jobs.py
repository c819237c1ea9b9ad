"""What a worker does, with real trainings of 512 steps, and the command from end to end."""
import json
import subprocess
import sys
import time

import numpy as np
import pytest

import quarl.models.export.package
import quarl.models.training.train
from quarl.build_flows.cli import main
from quarl.build_flows.study import jobs, measure_policy
from quarl.build_flows.study.grid import Point
from quarl.models.runs.run_folder import load_run
from quarl.models.tasks.presets import preset

SETTINGS = preset("ppo", "CartPole-v1", {"total_steps": 512})


def point(precision, **changes):
    return Point(**{"task": "CartPole-v1", "algo": "ppo", "precision": precision, "seed": 1, "settings": SETTINGS,
                    "episodes": 2, **changes})


def perform(tmp_path, *each):
    job, = jobs.jobs_of(each)
    return jobs.perform(job, tmp_path / "runs").measured


@pytest.fixture(autouse=True)
def fewer_observations(monkeypatch):
    monkeypatch.setattr(measure_policy, "OBSERVATIONS", 200)


@pytest.fixture
def trainings(monkeypatch):
    """The folders that are trained in."""
    seen, train = [], quarl.models.training.train.train
    monkeypatch.setattr(quarl.models.training.train, "train",
                        lambda config: seen.append(config.out.name) or train(config))
    return seen


def test_one_training_serves_all_that_follow_from_it(tmp_path, trainings):
    fp32, coarse, fine = point("fp32"), point("ptq2", per_channel=True), point("ptq8")
    records = perform(tmp_path, coarse, fp32, fine)
    assert [record.get("error") for record in records] == [None] * 3
    assert trainings == [fp32.name]
    assert [record["evaluation"]["backend"] for record in records] == ["integer", "torch", "integer"]
    assert [record["parity"] for record in records] == [{"observations": 200, "mismatches": 0}, None,
                                                        {"observations": 200, "mismatches": 0}]
    assert all(record["training"] == records[1]["training"] for record in records)
    assert records[1]["training"]["trained_timesteps"] == 512
    assert str(load_run(tmp_path / "runs" / coarse.name).actor.bits) == "W2A2I8c"
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {fp32.name, coarse.name, fine.name}


def test_training_with_bits(tmp_path):
    qat = point("qat3", input_bits=6)
    record, = perform(tmp_path, qat)
    assert record["parity"] == {"observations": 200, "mismatches": 0}
    assert len(record["evaluation"]["returns"]) == 2
    assert str(load_run(tmp_path / "runs" / qat.name).actor.bits) == "W3A3I6"


def test_a_training_that_fails_is_tried_once_and_told_of_every_point(tmp_path, trainings):
    settings = preset("ddpg", "CartPole-v1", {"total_steps": 512})
    wrong = [point(precision, algo="ddpg", settings=settings) for precision in ("fp32", "ptq4")]
    records = perform(tmp_path, *wrong)
    assert [record["error"] for record in records] == [
        "ddpg needs Box actions, found Discrete(2) in CartPole-v1. Fix: train with --algo ppo or a2c or dqn."] * 2
    assert len(trainings) == 1
    assert "Traceback" in (tmp_path / "runs" / wrong[0].name / jobs.LOG).read_text()


@pytest.mark.parametrize(("kind", "text"), [
    ("Unmade", "the environment {} must be made without an error, found OSError: no serial port ("),
    ("Broken", "the environment {} must take step 1 of an episode without an error, found ZeroDivisionError: "),
    ("Endless", "an episode must end within 300 steps, found {}, which goes on without end. "),
])
def test_faults_of_an_environment_are_its_own(tmp_path, monkeypatch, kind, text):
    monkeypatch.setattr("quarl.host.environments.guarded.LIMIT", 300)
    task = f"tests.environments_of_users:Users-{kind}-v0"
    settings = preset("ppo", task, {"total_steps": 64, "n_envs": 1, "n_steps": 64, "net_arch": [8]})
    wrong = point("qat4", task=task, settings=settings)
    record, = perform(tmp_path, wrong)
    assert record["error"].startswith(text.format(task))
    log = (tmp_path / "runs" / wrong.name / jobs.LOG).read_text()
    assert "Traceback" in log and (kind == "Endless" or ", in fail" in log)


def test_an_action_that_differs_is_an_error_of_the_point(tmp_path, monkeypatch):
    qat, policy_of = point("qat4"), quarl.models.export.package.policy_of

    def turned(run):
        policy = policy_of(run)
        policy.layers[-1].weights[:] *= -1
        return policy
    monkeypatch.setattr(quarl.models.export.package, "policy_of", turned)
    record, = perform(tmp_path, qat)
    assert record["error"].startswith("the integer reference must act as torch does, found ")
    assert "of 200 actions that differ" in record["error"]


def test_returns_that_are_no_numbers_are_an_error_of_the_point(tmp_path, monkeypatch):
    import quarl.models.play.evaluate
    monkeypatch.setattr(quarl.models.play.evaluate, "evaluate", lambda *arguments: np.array([1.0, np.nan]))
    record, = perform(tmp_path, point("fp32"))
    assert record["error"].startswith("returns must be finite, found [1.0, nan].")


GRID = """\
name: real
episodes: 2
groups: [{tasks: CartPole-v1, algos: ppo, steps: 512, precisions: [qat4, fp32, ptq4], seeds: [0, 1]}]
"""


def test_a_study_that_is_killed_goes_on(tmp_path, capsys):
    (tmp_path / "real.yaml").write_text(GRID)
    arguments = ["study", str(tmp_path / "real.yaml"), "--jobs", "1", "--runs", str(tmp_path / "runs"), "--json"]
    folder = tmp_path / "results" / "real" / "points"
    code = ("import sys; from quarl.build_flows.study import measure_policy; measure_policy.OBSERVATIONS = 200; "
            "from quarl.build_flows.cli import main; sys.exit(main(sys.argv[1:]))")
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not list(folder.glob("*.json")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    assert 1 <= len(before) < 6
    assert main(arguments) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (shown["points"], shown["done"], shown["failed"]) == (6, 6, [])
    assert len(list(folder.glob("*.json"))) == 6
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    assert len(list((tmp_path / "runs").iterdir())) == 6
    assert "| CartPole-v1 | ppo (512 steps) | 512 |" in (tmp_path / "results" / "real" / "table.md").read_text()
    start = time.perf_counter()
    assert main(arguments) == 0
    assert time.perf_counter() - start < 1
    assert "[1/" not in capsys.readouterr().out


def test_a_study_with_a_failed_point_ends_in_one_line(tmp_path, capsys):
    (tmp_path / "odd.yaml").write_text(
        "groups: [{tasks: CartPole-v1, algos: ddpg, steps: 512, precisions: fp32}]")
    assert main(["study", str(tmp_path / "odd.yaml"), "--jobs", "1", "--runs", str(tmp_path / "runs")]) == 2
    shown = capsys.readouterr()
    assert "[1/1] CartPole-v1 ddpg fp32 seed 0: failed: ddpg needs Box actions" in shown.out
    assert shown.err.startswith("error: every point of the study must end well, found 1 of 1 that did not; "
                                "CartPole-v1 ddpg fp32 seed 0: ddpg needs Box actions")
    assert shown.err.count("\n") == 1


def test_the_part_must_exist(tmp_path, capsys):
    (tmp_path / "real.yaml").write_text(GRID)
    assert main(["study", str(tmp_path / "real.yaml"), "--part", "wide"]) == 2
    assert capsys.readouterr().err == ("error: the part must be one of core, all, found wide. "
                                       "Fix: choose one with --part.\n")
