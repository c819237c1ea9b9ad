"""``quarl run`` as a user meets it: the table, the files that it leaves, interruptions and mismatches."""
import csv
import json
import shutil

import pytest

from quarl.build_flows.cli import main
from quarl.host import connect, policy
from quarl.host.errors import ToolError
from quarl.host.log.run_log import parts, records
from tests.host.loop.closed_loop import Clocked


@pytest.fixture(scope="module")
def exported(trained_run, tmp_path_factory):
    """The trained run with its package."""
    folder = shutil.copytree(trained_run, tmp_path_factory.mktemp("exported") / "run")
    assert main(["export", str(folder)]) == 0
    return folder


@pytest.fixture
def run(exported, tmp_path):
    """A copy, free to be damaged."""
    return shutil.copytree(exported, tmp_path / "run")


@pytest.fixture
def play(run, monkeypatch, capsys):
    """``quarl run`` on a device that fails in some way: exit code, output and errors."""
    def play(*arguments, **failure):
        device = Clocked(policy.read(run / "policy"), **failure)
        monkeypatch.setattr(connect, "create", lambda *given: device)
        capsys.readouterr()
        code = main(["run", str(run), "--device", "emulated://x", *map(str, arguments)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    (run / "accel").mkdir()
    (run / "accel" / "accel.json").write_text('{"clock_mhz": 50.0}')
    (run / "accel" / "reports").mkdir()
    (run / "accel" / "reports" / "synth.json").write_text(
        '{"total": {"lut": 3194, "ff": 1270, "dsp": 0, "bram36": 0.5}}')
    return play


def log_of(run):
    return run / "run" / "emulated-x.jsonl"


def test_the_closing_table(play, monkeypatch):
    monkeypatch.setattr(Clocked, "stats", lambda self: {"temperature_c": 41.27})
    code, out, _ = play("--episodes", 3, "--max-steps", 4, "--hz", 500, "--shadow", 1, network_ns=2000)
    assert code == 0
    for text in ("CartPole-v1 on clocked", "4.0 ± 0.0 (3 episodes, 12 steps)", "encode, us", "device, us", "decode, us",
                 "env, us", "p50 2.0   p90 2.0   p99 2.0", "all but env, us", "21 cycles, 0.42 us at 50 MHz",
                 "late steps", "of 12 (", "lateness, us (negative: to spare)", "0 mismatches in 12 steps",
                 "LUT 3194   FF 1270   DSP 0   BRAM36 0.5", "temperature", "41.3 °C"):
        assert text in out, text
    assert "power" not in out


def test_what_a_run_leaves(run, play):
    code, out, _ = play("--episodes", 3, "--max-steps", 9, "--tensorboard", "--log-max-mb", 0.001, "--json")
    result = json.loads(out.splitlines()[-1])
    assert code == 0 and result["log"] == str(log_of(run)) and result["steps"] == 27
    assert len(parts(log_of(run))) > 2 and sum(r["type"] == "step" for r in records(log_of(run))) == 27
    with open(run / "run" / "emulated-x.csv", newline="") as table:
        assert [row["return"] for row in csv.DictReader(table)] == ["9.0"] * 3
    assert len(list((run / "run" / "tensorboard" / "emulated-x").glob("*tfevents*"))) == 1


def test_a_second_run_keeps_the_log_of_the_first(run, play):
    for number, seed in enumerate((0, 5, 6)):
        code, out, _ = play("--episodes", 2, "--max-steps", 4, "--seed", seed)
        kept = log_of(run).with_name(f"emulated-x-{number}.jsonl")
        assert code == 0 and (f"the log of the run before is kept: {kept}" in out) == (number > 0)
    seeds = {path.name: next(records(path))["seed"] for path in (run / "run").glob("*.jsonl")}
    assert seeds == {"emulated-x.jsonl": 6, "emulated-x-1.jsonl": 0, "emulated-x-2.jsonl": 5}
    assert {path.name for path in (run / "run").glob("*.csv")} == {name.replace(".jsonl", ".csv") for name in seeds}


def test_ctrl_c_and_going_on(run, play):
    options = ("--episodes", 5, "--max-steps", 6)
    code, out, err = play(*options, fail_at=16)
    assert code == 130 and err.startswith("interrupted: ")
    assert out.splitlines()[-1] == (
        "2 of 5 episodes were played, mean return 6.0; the same command with --resume goes on")
    assert [r["type"] for r in records(log_of(run))] == ["run", *(["step"] * 6 + ["episode"]) * 2, *["step"] * 3]
    code, out, _ = play(*options, "--resume", "--json")
    summary = json.loads(out.splitlines()[-1])
    assert code == 0 and (summary["episodes"], summary["steps"]) == (5, 30)
    with open(run / "run" / "emulated-x.csv", newline="") as table:
        assert [row["episode"] for row in csv.DictReader(table)] == ["0", "1", "2", "3", "4"]


def test_a_device_that_fails(run, play):
    dead = ToolError("a register must not read as all ones", "0xffffffff", "look at the bitstream")
    code, _, err = play("--max-steps", 6, fail_at=9, error=dead)
    assert (code, err) == (2, "error: a register must not read as all ones, found 0xffffffff. "
                              "Fix: look at the bitstream.\n")
    assert [r["type"] for r in records(log_of(run))] == ["run", *["step"] * 6, "episode", *["step"] * 2]


def test_a_mismatch_stops_or_is_counted(run, play):
    code, _, err = play("--shadow", 1, "--max-steps", 5, wrong_at=[8])
    assert code == 1 and err.count("\n") == 1
    assert err.startswith("error: the device must equal the integer reference in every accumulator, found ")
    assert " at output 1 in step 2 of episode 1. Fix: " in err
    assert list(records(log_of(run)))[-1]["type"] == "mismatch"
    code, out, _ = play("--shadow", 1, "--max-steps", 5, "--shadow-action", "count", "--episodes", 4, wrong_at=[8, 9])
    assert code == 0 and "2 mismatches in 20 steps" in out


@pytest.mark.parametrize(("arguments", "text"), [
    (["--log-max-mb", 0], "a part of the log must be larger than nothing, found 0.0. Fix: pass --log-max-mb 64."),
    (["--hz", -1], "the rate must be above 0, found -1.0"), (["--shadow", 2], "the shadow's share must be from 0 to 1"),
    (["--envs", 0], "the number of envs must be at least 1"),
    (["--shadow-action", "ignore"], "argument --shadow-action: invalid choice: 'ignore'")])
def test_options_that_make_no_sense(run, capsys, arguments, text):
    assert main(["run", str(run), "--device", "integer", *map(str, arguments)]) == 2
    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1
    assert not (run / "run").exists()
