"""A study's mechanism: resuming, failures, locks, and its end in the middle of things."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import study_work

from build_flows.study import results, runner
from build_flows.study.lock import alone_in, waiting_for
from build_flows.study.read import read_study
from host.errors import ToolError, UserError


@pytest.fixture
def study(tmp_path):
    (tmp_path / "tiny.yaml").write_text(study_work.GRID)
    return read_study(tmp_path / "tiny.yaml")


def run(study, tmp_path, work=study_work.quick, points=None, workers=1):
    return runner.run(study, points or study.points(), tmp_path / "runs", tmp_path / "kept", workers, work)


def logged(tmp_path):
    path = tmp_path / "runs" / "log"
    return path.read_text().split() if path.exists() else []


def command(tmp_path, work):
    """``quarl study`` in a process group of its own, with ``work`` instead of training."""
    return subprocess.Popen(
        [sys.executable, study_work.__file__, work, str(tmp_path / "tiny.yaml"), "--jobs", "2",
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


def test_the_number_of_jobs(study, tmp_path):
    with pytest.raises(UserError, match=r"the number of jobs must be 1 or more, found 0. Fix: pass --jobs 2."):
        run(study, tmp_path, workers=0)


def test_processes_and_a_worker_that_is_killed(study, tmp_path):
    with pytest.raises(ToolError, match=r"a worker of the study must not be killed, found .*Fix: repeat the command"):
        run(study, tmp_path, study_work.dies, workers=2)
    run(study, tmp_path, workers=2)
    assert sorted(logged(tmp_path)) == sorted(point.name for point in study.points())


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
    code = ("import sys; from build_flows.cli import main; code = main(sys.argv[1:]); "
            "sys.exit(code or sum(name in sys.modules for name in ('torch', 'joblib', 'gymnasium', 'numpy')))")
    for more in ([], ["--dry-run"]):
        shown = subprocess.run([sys.executable, "-c", code, "study", str(tmp_path / "tiny.yaml"), "--json", *more,
                                "--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "kept")],
                               capture_output=True, text=True)
        assert shown.returncode == 0, shown.stderr
        assert json.loads(shown.stdout.splitlines()[-1]) == {
            "study": "tiny", "part": "core", "points": 4, "done": 4, "failed": [], "runs": str(tmp_path / "runs"),
            "results": str(tmp_path / "kept")}
