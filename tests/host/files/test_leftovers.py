"""What killed processes leave is swept; what live ones work on, and what is not ours, is not."""
import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from quarl.host.files import leftovers, whole
from tests.host.files.test_whole import fill, tree, without_exchange

OUT = {"out": None, "out/new": b"new", "out/sub": None}
WORK = """\
import sys, time
from quarl.host.files import whole
with whole.{what} as folder:
    (folder / "half").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def worker(tmp_path):
    """Starts processes that fill a folder, and gives each with the folder's path; none outlives the test."""
    started = []

    def start(what):
        process = subprocess.Popen([sys.executable, "-c", WORK.format(what=what)], stdout=subprocess.PIPE, text=True,
                                   env=dict(os.environ, TMPDIR=str(tmp_path)))
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_the_stage_of_a_live_process_stays_and_that_of_a_killed_one_goes(tmp_path, worker):
    process, stage = worker(f"staged_folder({str(tmp_path / 'out')!r})")
    assert os.path.dirname(stage) == str(tmp_path)
    fill(tmp_path / "out")
    assert os.path.exists(stage + "/half")
    kill(process)
    whole.recover(tmp_path / "out")
    assert tree(tmp_path) == OUT


def test_any_write_into_the_folder_sweeps_it(tmp_path, worker):
    kill(worker(f"staged_folder({str(tmp_path / 'out')!r})")[0])
    assert len(list(tmp_path.iterdir())) == 1
    whole.write_bytes(tmp_path / "other", b"data")
    assert tree(tmp_path) == {"other": b"data"}


def test_scratch_folders_of_killed_processes_go(tmp_path, worker, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (killed, gone), (_, stays) = worker("scratch_folder('finn')"), worker("scratch_folder('finn')")
    assert os.path.basename(gone).startswith("quarl-finn.")
    kill(killed)
    with whole.scratch_folder("step") as folder:
        assert sorted(map(str, tmp_path.iterdir())) == sorted([stays, str(folder)])
        assert folder.stat().st_mode & 0o777 == 0o700
    assert [str(path) for path in tmp_path.iterdir()] == [stays]


def test_a_scratch_folder_goes_after_an_error_too(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(KeyError), whole.scratch_folder("step") as folder:
        whole.write_bytes(folder / "x", b"")
        raise KeyError
    assert tree(tmp_path) == {}


def test_two_threads_leave_each_other_alone(tmp_path):
    with whole.staged_folder(tmp_path / "out") as stage:
        other = threading.Thread(target=lambda: fill(tmp_path / "other"))
        other.start()
        other.join()
        (stage / "new").write_bytes(b"new")
    assert tree(tmp_path) == {"other": None, "other/new": b"new", "other/sub": None, "out": None, "out/new": b"new"}


def test_what_is_called_otherwise_is_not_ours(tmp_path):
    names = [".out.settings", ".out.abcdefgh", "quarl-runs-cartpole", "quarl-finn.abcdefgh", ".quarl-tmp.keep"]
    for name in names:
        (tmp_path / name).mkdir()
    fill(tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "out"])


def test_a_link_that_looks_like_a_leftover_leads_nowhere(tmp_path):
    fill(tmp_path / "real")
    (tmp_path / ".out.abcdefgh.quarl-tmp").symlink_to(tmp_path / "real")
    whole.recover(tmp_path / "out")
    assert tree(tmp_path) == {"real": None, "real/new": b"new", "real/sub": None}


def test_where_there_are_no_locks_nothing_is_swept(tmp_path, monkeypatch):
    def refuse(handle, how):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    (tmp_path / ".out.abcdefgh.quarl-tmp").mkdir()
    monkeypatch.setattr(fcntl, "flock", refuse)
    fill(tmp_path / "out")
    whole.write_bytes(tmp_path / "file", b"x")
    assert tree(tmp_path) == {**OUT, "file": b"x", ".out.abcdefgh.quarl-tmp": None}


@pytest.mark.parametrize("make", [leftovers.new_file, leftovers.new_folder])
def test_what_is_swept_before_it_has_its_lock_is_made_again(tmp_path, monkeypatch, make):
    real, swept = fcntl.flock, []

    def late(handle, how):
        if not swept:
            swept.append(os.listdir(str(tmp_path))[0])
            leftovers.remove(str(tmp_path / swept[0]))
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    path, handle = make(str(tmp_path), "x.")
    os.close(handle)
    assert os.listdir(str(tmp_path)) == [os.path.basename(path)] != swept


def test_a_reader_waits_for_a_writer_between_its_renames(tmp_path, monkeypatch):
    """It must neither see nothing nor bring back what is being replaced."""
    without_exchange(monkeypatch)
    fill(tmp_path / "out", "old")
    between, real = threading.Event(), os.rename

    def slow(source, target):
        if str(target) == str(tmp_path / "out"):
            between.set()
            time.sleep(0.3)
        real(source, target)

    monkeypatch.setattr(os, "rename", slow)
    writer = threading.Thread(target=lambda: fill(tmp_path / "out"))
    writer.start()
    assert between.wait(10)
    whole.recover(tmp_path / "out")
    assert (tmp_path / "out" / "new").read_bytes() == b"new"
    writer.join()
    assert tree(tmp_path) == OUT


def test_of_two_that_were_put_aside_the_one_in_use_comes_back(tmp_path):
    """An earlier writer had its place and was killed before it had taken away what it had put aside."""
    for name, content in ((".out.aaaaaaaa.quarl-old", "older"), (".out.bbbbbbbb.quarl-old", "old"),
                          (".out.bbbbbbbb.quarl-tmp", "new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / content).write_bytes(b"")
    whole.recover(tmp_path / "out")
    assert tree(tmp_path) == {"out": None, "out/old": b""}


def test_a_folder_that_a_person_took_away_does_not_come_back(tmp_path):
    (tmp_path / ".out.aaaaaaaa.quarl-old").mkdir()
    whole.recover(tmp_path / "out")
    assert tree(tmp_path) == {".out.aaaaaaaa.quarl-old": None}


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    whole.recover(tmp_path / "none" / "out")
    assert tree(tmp_path) == {}
