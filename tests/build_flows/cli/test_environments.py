"""Environments of the user's own through the commands: made alike everywhere, and blamed for what is theirs."""
import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import yaml

import quarl
from quarl.build_flows.cli import main
from quarl.build_flows.report import commands
from quarl.host import policy
from quarl.host.log.run_log import records
from quarl.models.export.package import policy_of
from quarl.models.runs.run_folder import load_run

USERS = "tests.environments_of_users"
SHORT = ["--steps", "64", *(word for pair in ("n_envs=1", "n_steps=32", "batch_size=32", "eval_episodes=2",
                                              "net_arch=[8]") for word in ("--set", pair))]
MADE = ["--env-kwargs", "scale=0.5", "--wrapper", f'{USERS}:Doubled:{{"by": 3}}', "--max-episode-steps", "4"]
RECORD = {"kwargs": {"scale": 0.5}, "wrappers": [{"name": f"{USERS}:Doubled", "kwargs": {"by": 3}}],
          "max_episode_steps": 4}


def train(kind, out, *options):
    return main(["train", "--task", f"{USERS}:Users-{kind}-v0", "--out", str(out), *SHORT, *options])


def failed(capsys, arguments):
    """The one line on standard error of a command that ends with 2."""
    capsys.readouterr()
    assert main([str(each) for each in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1, error
    return error


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run in an environment with an argument, a wrapper and a time limit; its own end is after 5 steps."""
    run = tmp_path_factory.mktemp("made") / "run"
    assert train("Plain", run, *MADE) == 0
    assert main(["export", str(run)]) == 0
    return run


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A run in the same environment as it is registered."""
    run = tmp_path_factory.mktemp("plain") / "run"
    assert train("Plain", run) == 0
    return run


def test_it_stays_with_the_run_and_the_policy(made):
    assert yaml.safe_load((made / "config.yaml").read_text())["environment"] == RECORD
    found = policy.read(made / "policy")
    assert found.environment == RECORD
    assert found.hash != dataclasses.replace(found, environment={}).hash


def test_an_environment_as_it_is_registered_is_not_described(trained_run, tmp_path):
    assert "environment" not in yaml.safe_load((trained_run / "config.yaml").read_text())
    policy.write(policy_of(load_run(trained_run)), tmp_path / "policy", b"")
    assert "environment" not in json.loads((tmp_path / "policy" / "manifest.json").read_text())


def test_it_is_made_alike_everywhere(made, capsys):
    for arguments in (["eval", made, "--backend", "torch"], ["eval", made], ["run", made, "--device", "integer"]):
        assert main([*map(str, arguments), "--episodes", "3", "--json"]) == 0
        found = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert found["return_mean"] == 4.0, arguments                      # a reward of 1 a step, until the limit
    opening = next(iter(records(made / "run" / "integer.jsonl")))
    assert opening["environment"] == RECORD
    assert (quarl.evaluate(made, episodes=3) == 4).all()


@pytest.mark.parametrize(("limit", "mean"), [("2", 2.0), ("9", 5.0)])
def test_another_time_limit(made, capsys, limit, mean):
    for arguments in (["eval", made], ["run", made, "--device", "integer"]):
        assert main([*map(str, arguments), "--episodes", "2", "--json", "--max-episode-steps", limit]) == 0
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["return_mean"] == mean
    resumed = ["run", made, "--device", "integer", "--episodes", "2", "--resume"]
    assert "a run is resumed as it was begun, with environment " in failed(capsys, resumed)


def test_repeating_it(made, capsys):
    assert train("Plain", made, *MADE) == 0
    arguments = ["train", "--task", f"{USERS}:Users-Plain-v0", "--out", made, *SHORT]
    for other in ([], MADE[:4], [*MADE[:-1], "5"], ["--env-kwargs", "scale=1", *MADE[2:]]):
        assert "a run folder keeps its settings; environment must be" in failed(capsys, [*arguments, *other])


def test_the_report_says_how_to_make_it(made):
    config = yaml.safe_load((made / "config.yaml").read_text())
    assert "--env-kwargs scale=0.5 --wrapper " in commands._train(config, "runs/x")


def test_from_python(made, tmp_path):
    settings = {"n_envs": 1, "n_steps": 32, "batch_size": 32, "eval_episodes": 2, "net_arch": [8]}
    found = quarl.train(f"{USERS}:Users-Plain-v0", tmp_path / "run", steps=64, settings=settings,
                        env_kwargs={"scale": 0.5}, wrappers=[(f"{USERS}:Doubled", {"by": 3})], max_episode_steps=4)
    assert found.mean_return == 4.0
    assert (tmp_path / "run" / "config.yaml").read_bytes() == (made / "config.yaml").read_bytes()


@pytest.mark.parametrize(("kind", "numbers"), [("Dict", 4), ("Number", 3), ("Grid", 6)])
def test_other_observations_are_flattened(kind, numbers, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(kind, run) == 0
    line = f"the observations of {USERS}:Users-{kind}-v0, "
    assert [each.endswith(f", are flattened into {numbers} numbers") for each in capsys.readouterr().out.splitlines()
            if each.startswith(line)] == [True]
    assert main(["run", str(run), "--device", "integer", "--episodes", "2", "--shadow", "1"]) == 0
    assert capsys.readouterr().out.count(line) == 1
    assert policy.read(run / "policy").observation_shape == (numbers,)


@pytest.mark.parametrize("kind", ["List", "Tuple", "Double", "Whole"])
def test_numbers_of_any_kind(kind, tmp_path):
    assert train(kind, tmp_path / "run") == 0


@pytest.mark.parametrize(("kind", "text"), [
    ("Unmade", "must be made without an error, found OSError: no serial port (environments_of_users.py:"),
    ("Unbegun", "must begin an episode without an error, found KeyError: 'goal' (environments_of_users.py:"),
    ("Broken", "must take step 1 of an episode without an error, found ZeroDivisionError: division by zero ("),
    ("Wrong", "must have the shape that its space declares, (2,), found shape (3,). Fix: mend the environment."),
    ("Endless", "an episode must end within 300 steps, found tests.environments_of_users:Users-Endless-v0"),
])
def test_faults_are_its_own(kind, text, plain, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("quarl.host.environments.guarded.LIMIT", 300)
    task = f"{USERS}:Users-{kind}-v0"
    for arguments in (["train", "--task", task, "--out", tmp_path / "run", *SHORT],
                      ["run", plain, "--device", "integer", "--task", task]):
        error = failed(capsys, arguments)
        assert text in error and task in error


def test_an_endless_one_with_a_time_limit(tmp_path):
    assert train("Endless", tmp_path / "run", "--max-episode-steps", "6") == 0


def test_the_log_of_a_run_has_the_traceback(made, capsys):
    failed(capsys, ["run", made, "--device", "integer", "--task", f"{USERS}:Users-Broken-v0"])
    log = made / "run" / "integer.jsonl"
    last = list(records(log))[-1]
    assert last["type"] == "error" and "ZeroDivisionError" in last["traceback"]
    assert main(["run", str(made), "--device", "integer"]) == 0
    assert np.isfinite(list(records(log))[-1]["return_mean"])


def test_the_traceback_is_shown_when_asked_for(tmp_path):
    words = ["train", "--task", f"{USERS}:Users-Unmade-v0", "--out", tmp_path / "run", *SHORT]
    code = "import sys; from quarl.build_flows.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False,
                          env={**os.environ, "QUARL_TRACEBACK": "1"})
    assert done.returncode == 2 and "Traceback" in done.stderr and "in fail" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: the environment ")


@pytest.mark.parametrize(("options", "text"), [
    (["--env-kwargs", "size"], "--env-kwargs takes KEY=VALUE, the value as in YAML, found size. "),
    (["--wrapper", "TimeLimit:{3}"], "--wrapper takes NAME or NAME:JSON, where JSON is a mapping, found TimeLimit:{3}"),
    (["--max-episode-steps", "0"], "the steps of an episode must be a number of 1 or more, found 0. "),
    (["--wrapper", "Nothing"], "a wrapper must be one of Gymnasium's, or module:Class, found Nothing. "),
])
def test_options_that_make_no_sense(options, text, tmp_path, capsys):
    arguments = ["train", "--task", "CartPole-v1", "--out", tmp_path / "run", *options]
    assert text in failed(capsys, arguments)
    assert not (tmp_path / "run").exists()
