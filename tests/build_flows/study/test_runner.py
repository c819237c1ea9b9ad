"""A study's mechanism: resuming, failures, locks, and its end in the middle of things."""
import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quarl.build_flows import cli
from quarl.build_flows.study import results, runner
from quarl.build_flows.study.executors.local import Local
from quarl.build_flows.study.lock import alone_in, waiting_for
from quarl.build_flows.study.read import read_study
from quarl.host.errors import UserError
from tests.build_flows.study import study_work

executor = functools.cache(Local)       # its processes stay for the next test


@pytest.fixture
def study(tmp_path):
    (tmp_path / "tiny.yaml").write_text(study_work.GRID)
    return read_study(tmp_path / "tiny.yaml")


def run(study, tmp_path, work=study_work.quick, points=None, workers=1):
    return runner.run(study, points or study.points(), tmp_path / "runs", tmp_path / "kept", executor(workers), work)


def logged(tmp_path):
    path = tmp_path / "runs" / "log"
    return path.read_text().split() if path.exists() else []


def command(tmp_path, work):
    """``quarl study`` in a process group of its own, with ``work`` instead of training."""
    return subprocess.Popen(
        [sys.executable, "-m", study_work.__name__, work, str(tmp_path / "tiny.yaml"), "--jobs", "2",
         "--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "kept")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(condition, process=None):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.05)


def at_work(tmp_path, process):
    """Wait until seed 0 is done and both workers sleep in a later one; their process ids."""
    wait_for(lambda: len(list((tmp_path / "kept" / "points").glob("*.json"))) == 1 and len(logged(tmp_path)) == 4,
             process)
    return [int(line) for line in logged(tmp_path) if line.isdigit()]


def alive(pid):
    path = Path(f"/proc/{pid}/stat")
    try:
        return path.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_points_are_done_once(study, tmp_path):
    some = study.points()[:2]
    assert len(run(study, tmp_path, points=some)) == 2
    assert len(run(study, tmp_path)) == 4
    assert logged(tmp_path) == [point.name for point in study.points()]
    assert (tmp_path / "kept" / "results.csv").read_text().count("\n") == 5


def test_results_stand_without_run_folders_and_deleted_ones_are_made_again(study, tmp_path):
    run(study, tmp_path)
    (tmp_path / "runs" / "log").unlink()
    results.path_of(tmp_path / "kept", study.points()[2]).unlink()
    run(study, tmp_path)
    assert logged(tmp_path) == [study.points()[2].name]


def test_a_failure_does_not_stop_the_rest_and_is_tried_again(study, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "broken").touch()
    records = run(study, tmp_path, study_work.partly)
    assert [records[point.name].get("error") for point in study.points()] == [None, "broken", None, None]
    assert "1.5 ± 0.5 (3 of 4 seeds, 1 failed)" in (tmp_path / "kept" / "table.md").read_text()
    (tmp_path / "runs" / "broken").unlink()
    records = run(study, tmp_path, study_work.partly)
    assert all(results.is_done(record) for record in records.values())
    assert logged(tmp_path) == [point.name for point in study.points()] + [study.points()[1].name]


HARDWARE = """\
name: designs
episodes: 2
groups:
  - {tasks: CartPole-v1, algos: ppo, steps: 512, precisions: [fp32, ptq4, qat4], seeds: [0, 1], engines: [rom, dsp]}
"""


@pytest.fixture
def hardware(tmp_path):
    (tmp_path / "designs.yaml").write_text(HARDWARE)
    return read_study(tmp_path / "designs.yaml")


def test_designs_come_after_their_training(hardware, tmp_path, capsys):
    records = run(hardware, tmp_path)
    names = logged(tmp_path)
    assert len(records) == 10 and all(map(results.is_done, records.values()))
    assert len(names) == 4 + 8             # a training with bits is a job, even where no point asks for its policy
    for point in hardware.points():
        assert names.index(point.training.name) <= names.index(point.name)
    shown = capsys.readouterr().out
    assert "[10/10] CartPole-v1 ppo qat4 dsp balanced seed 1: return 1.5 ± 0.5, 1234 LUT, 92 cycles" in shown
    assert "at work on build CartPole-v1 ppo qat4 rom balanced seed 0" in shown


def test_designs_of_a_training_that_fails_fail_with_it_and_are_tried_again(hardware, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "broken").touch()
    records = run(hardware, tmp_path, study_work.partly)
    assert {records[point.name].get("error") for point in hardware.points() if point.seed == 1} == {"broken"}
    assert all(results.is_done(records[point.name]) for point in hardware.points() if point.seed == 0)
    assert len(logged(tmp_path)) == 2 + 4 + 2        # the two broken trainings, and none of their designs
    (tmp_path / "runs" / "broken").unlink()
    assert all(map(results.is_done, run(hardware, tmp_path, study_work.partly).values()))


def test_an_extended_study_trains_nothing_again(hardware, tmp_path):
    run(hardware, tmp_path)
    for point in hardware.points():
        (tmp_path / "runs" / point.training.name / "train").mkdir(parents=True, exist_ok=True)
        (tmp_path / "runs" / point.training.name / "train" / "result.json").touch()
    (tmp_path / "runs" / "log").unlink()
    (tmp_path / "designs.yaml").write_text(HARDWARE.replace("[rom, dsp]", "[rom, dsp], folding: [balanced, min-area]"))
    run(read_study(tmp_path / "designs.yaml"), tmp_path)
    names = logged(tmp_path)
    assert len(names) == 8 and all("-min-area-" in name for name in names)


def test_a_damaged_result_stops_before_any_work(study, tmp_path):
    run(study, tmp_path, points=study.points()[:3])
    path = results.path_of(tmp_path / "kept", study.points()[1])
    path.write_text("{")
    before = {each: each.read_bytes() for each in (tmp_path / "kept").rglob("*") if each.is_file()}
    with pytest.raises(UserError, match=f"a result of a study must be whole, found .*{path.name}. Fix: restore it, or"):
        run(study, tmp_path)
    assert {each: each.read_bytes() for each in (tmp_path / "kept").rglob("*") if each.is_file()} == before
    assert len(logged(tmp_path)) == 3


def test_one_study_at_a_time(study, tmp_path):
    with alone_in(tmp_path / "kept"), pytest.raises(UserError, match=(
            r"^one study at a time may write a results folder, found another one at work in .*kept. "
            r"Fix: wait until it has ended, or choose another --results.$")):
        run(study, tmp_path)
    assert logged(tmp_path) == []
    run(study, tmp_path)
    with waiting_for(tmp_path / "kept"), waiting_for(tmp_path / "elsewhere"):
        pass


def test_a_terminal_shows_a_bar(study, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    run(study, tmp_path)
    shown = " ".join(capsys.readouterr().out.split())
    assert "[4/4] CartPole-v1 ppo qat4 seed 3: return 1.5 ± 0.5" in shown
    assert "0/4 points" in shown and "4/4 points" in shown


@pytest.mark.parametrize(("option", "message"), [
    (("--jobs", "0"), "the number of jobs must be 1 or more, found 0. Fix: pass --jobs 2."),
    (("--executor", "dask"), "--executor must be local, ray or ray://HOST:PORT, found dask. Fix: choose one of them."),
])
def test_options(study, tmp_path, capsys, option, message):
    assert cli.main(["study", str(tmp_path / "tiny.yaml"), *option]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


KILLED = ("a job must not end the process that does it, found a process that was killed in both of two attempts. Fix: "
          "repeat the command; if memory was short, with fewer --jobs.")


def test_a_job_that_kills_its_process_fails_alone_and_is_tried_again(study, tmp_path):
    records = run(study, tmp_path, study_work.dies_beside, workers=2)
    assert [records[point.name].get("error") for point in study.points()] == [None, KILLED, None, None]
    killed = [line for line in logged(tmp_path) if line.isdigit()]
    assert len(killed) == len(set(killed)) == 2
    assert logged(tmp_path).count("begun") == 1, "the job beside it was not disturbed"
    assert all(map(results.is_done, run(study, tmp_path, workers=2).values()))


def test_a_training_that_kills_its_process_fails_with_its_designs(hardware, tmp_path):
    records = run(hardware, tmp_path, study_work.dies)
    assert {records[point.name].get("error") for point in hardware.points() if point.seed == 1} == {KILLED}
    assert all(results.is_done(records[point.name]) for point in hardware.points() if point.seed == 0)
    assert sum(line.isdigit() for line in logged(tmp_path)) == 2 * 2     # two trainings, none of their designs


def test_what_is_lost_with_a_worker_is_done_again(study, tmp_path):
    records = run(study, tmp_path, study_work.dies_once, workers=2)
    assert all(results.is_done(records[point.name]) for point in study.points())
    assert (tmp_path / "runs" / "died").exists()


def test_kill_9_takes_the_workers_along_and_a_repeat_goes_on(study, tmp_path):
    with command(tmp_path, "slow") as process:
        workers = at_work(tmp_path, process)
        process.kill()
    wait_for(lambda: not any(map(alive, workers)))
    kept, = (tmp_path / "kept" / "points").glob("*.json")
    written = kept.stat().st_mtime_ns
    (tmp_path / "runs" / "log").unlink()
    run(study, tmp_path)
    assert sorted(logged(tmp_path)) == sorted(point.name for point in study.points()[1:])
    assert kept.stat().st_mtime_ns == written


@pytest.mark.parametrize("whole_group", [True, False])      # Ctrl-C in a terminal, or a signal to the command alone
def test_ctrl_c_kills_the_workers_and_leaves_what_is_finished(study, tmp_path, whole_group):
    with command(tmp_path, "slow") as process:
        workers = at_work(tmp_path, process)
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "interrupted: nothing half-written was kept; repeat the command to go on\n"
    assert "[1/4] CartPole-v1 ppo qat4 seed 0: return 1.5 ± 0.5" in output
    assert not any(map(alive, workers))
    assert len(list((tmp_path / "kept" / "points").iterdir())) == 1


def test_a_repeat_is_instant(study, tmp_path):
    run(study, tmp_path)
    assert cli.main(["study", str(tmp_path / "tiny.yaml"), "--report", "--results", str(tmp_path / "kept")]) == 0
    code = ("import sys; from quarl.build_flows.cli import main; code = main(sys.argv[1:]); "
            "sys.exit(code or sum(name in sys.modules for name in ('torch', 'joblib', 'gymnasium', 'numpy')))")
    for more in ([], ["--dry-run"]):
        shown = subprocess.run([sys.executable, "-c", code, "study", str(tmp_path / "tiny.yaml"), "--json", *more,
                                "--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "kept")],
                               capture_output=True, text=True)
        assert shown.returncode == 0, shown.stderr
        assert json.loads(shown.stdout.splitlines()[-1]) == {
            "study": "tiny", "part": "core", "points": 4, "done": 4, "failed": [], "runs": str(tmp_path / "runs"),
            "results": str(tmp_path / "kept")}
