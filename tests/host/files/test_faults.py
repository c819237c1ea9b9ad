"""Every call of the file layer fails once, and the process is killed at every one: old or new, whole, nothing else."""
import errno
import os

import pytest

from quarl.host.errors import ToolError
from quarl.host.files import whole
from tests.host.files.faults import Recorder, at_call, killed_at
from tests.host.files.test_whole import RULE, fill, tree, without_exchange

OLD_FILE, NEW_FILE = {"out": b"old" * 1000}, {"out": b"new" * 1000}
OLD_FOLDER, NEW_FOLDER = ({"out": None, "out/" + name: name.encode(), "out/sub": None} for name in ("old", "new"))


def write_file(folder, name):
    whole.write_bytes(folder / "out", name.encode() * 1000)


def write_folder(folder, name):
    with whole.explained(folder / "out"):       # what the block does is its own
        fill(folder / "out", name)


@pytest.fixture(params=["file", "folder", "folder, two renames", "file, first", "folder, first"])
def case(request, monkeypatch):
    """(what writes, its outcomes: the old one, which may be nothing, and the new one)"""
    if "two renames" in request.param:
        without_exchange(monkeypatch)
    write, old, new = ((write_file, OLD_FILE, NEW_FILE) if "file" in request.param
                       else (write_folder, OLD_FOLDER, NEW_FOLDER))
    return write, {} if "first" in request.param else old, new


def calls_of(folder, monkeypatch, write):
    with monkeypatch.context() as patch:
        made = at_call(patch, 0, None)
        write(folder, "new")
    return made


def begin(folder, old):
    """Let ``folder`` be as ``old``."""
    folder.mkdir()
    for name, data in old.items():
        if data is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(data)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_each_call_fails_once(tmp_path, monkeypatch, case, code):
    write, old, new = case
    failures, number = 0, 0

    def fail():
        raise OSError(code, os.strerror(code))

    while True:
        number += 1
        folder = tmp_path / str(number)
        begin(folder, old)
        error = None
        with monkeypatch.context() as patch:
            made = at_call(patch, number, fail)
            try:
                write(folder, "new")
            except ToolError as caught:
                error = caught
        found = tree(folder)
        if error:
            failures += 1
            assert error.rule == RULE and os.strerror(code) in error.found
            assert found in (old, new)
        else:           # what could not be taken away is not in the way
            assert {name: found[name] for name in found if not name.startswith(".")} == new
        write(folder, "new")
        assert tree(folder) == new
        if len(made) < number:
            break
    assert number > 8 and failures > 3


def test_a_disk_that_stays_full(tmp_path, monkeypatch, case):
    write, old, new = case
    real = {name: getattr(os, name) for name in ("write", "fsync", "mkdir", "rename", "replace", "chmod")}
    total = len(calls_of(tmp_path, monkeypatch, write))
    for start in range(total):
        folder = tmp_path / ("full%d" % start)
        begin(folder, old)
        left = [start]

        def broken(name, left=left):
            def call(*args, **kwargs):
                left[0] -= 1
                if left[0] < 0 and not (name == "rename" and str(args[0]).endswith(".quarl-old")):
                    raise OSError(errno.ENOSPC, "No space left on device")
                return real[name](*args, **kwargs)
            return call

        with monkeypatch.context() as patch:
            for name in real:
                patch.setattr(os, name, broken(name))
            try:
                write(folder, "new")
                expected = (new,)
            except ToolError:
                expected = (old, new)
        assert tree(folder) in expected


@pytest.mark.parametrize("next_is", ["read", "write"])
def test_killed_at_each_call(tmp_path, monkeypatch, case, next_is):
    write, old, new = case
    number, cut = 1, True
    while cut:
        folder = tmp_path / str(number)
        begin(folder, old)
        cut = killed_at(monkeypatch, number, lambda folder=folder: write(folder, "new"))
        if next_is == "read":
            whole.recover(folder / "out")
            assert tree(folder) in ((old, new) if cut else (new,))
        else:
            write(folder, "new")
            assert tree(folder) == new
        number += 1
    assert number > 8


def test_killed_at_each_call_of_what_goes_on_after_a_kill(tmp_path, monkeypatch):
    """The recovery is cut off, too."""
    without_exchange(monkeypatch)
    number, cut = 1, True
    while cut:
        folder = tmp_path / str(number)
        begin(folder, OLD_FOLDER)
        half_renamed(folder, monkeypatch)
        cut = killed_at(monkeypatch, number, lambda folder=folder: whole.recover(folder / "out"))
        whole.recover(folder / "out")
        assert tree(folder) == OLD_FOLDER
        number += 1
    assert number > 5


def half_renamed(folder, monkeypatch):
    """Kill a writer between its two renames."""
    child = os.fork()
    if not child:
        try:
            real = os.rename
            monkeypatch.setattr(os, "rename", lambda one, two: os._exit(0) if two == str(folder / "out")
                                else real(one, two))
            write_folder(folder, "new")
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert not (folder / "out").exists() and len(list(folder.glob(".out.*.quarl-old"))) == 1


def test_what_was_put_aside_is_brought_back(tmp_path, monkeypatch):
    without_exchange(monkeypatch)
    write_folder(tmp_path, "old")
    half_renamed(tmp_path, monkeypatch)
    whole.recover(tmp_path / "out")
    assert tree(tmp_path) == OLD_FOLDER


@pytest.mark.parametrize("where", ["", "deep/er"])
def test_all_is_synced_before_it_is_renamed_and_its_name_after(tmp_path, monkeypatch, case, where):
    write, old, new = case
    if old:
        (tmp_path / where).mkdir(parents=True, exist_ok=True)
        write(tmp_path / where, "old")
    with monkeypatch.context() as patch:
        recorder = Recorder(patch)
        write(tmp_path / where, "new")
        assert recorder.renames and not recorder.unsynced_names
    assert tree(tmp_path / where) == new


def test_what_is_written_into_a_stage_is_synced_with_it_once(tmp_path, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(os.readlink("/proc/self/fd/%d" % handle)),
                                                     real(handle)))
    with whole.staged_folder(tmp_path / "out") as stage:
        whole.write_bytes(stage / "deep" / "file", b"data")
        with whole.staged_folder(stage / "inner") as inner:
            (inner / "file").write_bytes(b"data")
        assert not synced
    assert [os.path.relpath(path, str(stage)) for path in synced] == ["deep/file", "deep", "inner/file", "inner", ".",
                                                                      ".."]


@pytest.mark.parametrize("code, fails", [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)])
def test_a_file_system_may_refuse_to_sync_but_not_fail(tmp_path, monkeypatch, case, code, fails):
    write, old, new = case

    def refuse(handle):
        raise OSError(code, os.strerror(code))

    begin(tmp_path / "x", old)
    monkeypatch.setattr(os, "fsync", refuse)
    if fails:
        with pytest.raises(ToolError, match="Input/output error"):
            write(tmp_path / "x", "new")
    else:
        write(tmp_path / "x", "new")
    assert tree(tmp_path / "x") == (old if fails else new)
