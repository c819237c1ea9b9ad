"""Files and folders that are whole or absent, whatever goes wrong and whenever."""
import errno
import json
import os
import re

import numpy as np
import pytest

from quarl.host.errors import ToolError
from quarl.host.files import whole
from tests.host.helpers import refused

RULE = "the output folder must be writable and have free space"
FIX = "free some space, change its permissions, or choose another folder (--out, QUARL_CACHE, TMPDIR)"


def tree(folder):
    """Everything below ``folder``, hidden names too: relative path -> bytes (None for a folder)."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
            for path in sorted(folder.rglob("*"))}


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupt(*_, **__):
    raise KeyboardInterrupt


def without_exchange(monkeypatch):
    """As on a file system that cannot let two folders swap their names, where a folder is replaced by two renames."""
    monkeypatch.setattr(whole, "exchange", lambda one, other: False)


def interrupted(monkeypatch, name, call, after):
    """Ctrl-C at the ``call``-th ``os.NAME``, before or just after it does its work."""
    real, count = getattr(os, name), [0]

    def wrapper(*args, **kwargs):
        count[0] += 1
        if count[0] != call:
            return real(*args, **kwargs)
        if after:
            real(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, name, wrapper)


def test_sha256_is_the_standard_one():
    assert whole.sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_canonical_json_has_one_spelling():
    assert whole.canonical_json({"b": [1, 2.5], "a": None}) == b'{"a":null,"b":[1,2.5]}'
    with pytest.raises(ValueError):
        whole.canonical_json({"a": float("nan")})


def test_write_bytes_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "a" / "b" / "file.bin"
    whole.write_bytes(path, b"old")
    whole.write_bytes(str(path), b"new")
    assert tree(tmp_path / "a" / "b") == {"file.bin": b"new"}


def test_write_json_is_plain_json(tmp_path):
    whole.write_json(tmp_path / "x.json", {"b": 1, "a": [1.5, None]})
    text = (tmp_path / "x.json").read_text()
    assert json.loads(text) == {"b": 1, "a": [1.5, None]} and text.endswith("}\n")


@pytest.mark.parametrize("value", [float("nan"), np.int64(3)])
def test_write_json_refuses_before_it_touches_the_file(tmp_path, value):
    whole.write_json(tmp_path / "x.json", 1)
    with pytest.raises((ValueError, TypeError)):
        whole.write_json(tmp_path / "x.json", {"a": value})
    assert tree(tmp_path) == {"x.json": b"1\n"}


def test_write_bytes_below_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"keep")
    found = re.compile(f"(Not a directory|File exists) at {re.escape(str(tmp_path))}/file.*")
    with refused(ToolError, RULE, found, FIX):
        whole.write_bytes(tmp_path / "file" / "x", b"data")
    assert tree(tmp_path) == {"file": b"keep"}


def test_write_bytes_where_a_folder_is(tmp_path):
    (tmp_path / "x").mkdir()
    with refused(ToolError, RULE, re.compile(f"Is a directory at {re.escape(str(tmp_path))}/.*"), FIX):
        whole.write_bytes(tmp_path / "x", b"data")
    assert tree(tmp_path) == {"x": None}


@pytest.mark.parametrize("broken", ["replace", "write", "fsync"])
def test_write_bytes_on_a_full_disk(tmp_path, monkeypatch, broken):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, broken, no_space)
    with refused(ToolError, RULE, f"No space left on device at {path}", FIX):
        whole.write_bytes(path, b"new")
    assert tree(tmp_path) == {"x": b"old"}


@pytest.mark.parametrize("broken", ["replace", "write", "fsync"])
def test_write_bytes_interrupted(tmp_path, monkeypatch, broken):
    (tmp_path / "x").write_bytes(b"old")
    monkeypatch.setattr(os, broken, interrupt)
    with pytest.raises(KeyboardInterrupt):
        whole.write_bytes(tmp_path / "x", b"new")
    assert tree(tmp_path) == {"x": b"old"}


def test_explained_names_the_file_of_the_error(tmp_path):
    with refused(ToolError, RULE, f"No such file or directory at {tmp_path}/none", FIX), whole.explained("elsewhere"):
        open(tmp_path / "none").close()


def test_explained_leaves_other_errors_alone():
    with pytest.raises(KeyError), whole.explained("x"):
        raise KeyError("k")


def fill(folder, name="new"):
    with whole.staged_folder(folder) as stage:
        assert stage.parent == folder.parent and stage != folder
        (stage / name).write_bytes(name.encode())
        (stage / "sub").mkdir()


def test_staged_folder_appears_whole(tmp_path):
    folder = tmp_path / "a" / "out"
    with whole.staged_folder(folder) as stage:
        (stage / "x").write_bytes(b"1")
        assert not folder.exists()
    assert tree(tmp_path) == {"a": None, "a/out": None, "a/out/x": b"1"}


def test_staged_folder_stays_where_it_was_asked_for(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with whole.staged_folder("out") as stage:
        (stage / "x").write_bytes(b"1")
        monkeypatch.chdir(tmp_path / "elsewhere")
    assert tree(tmp_path) == {"elsewhere": None, "out": None, "out/x": b"1"}


def test_staged_folder_replaces_an_earlier_one_whole(tmp_path):
    fill(tmp_path / "out", "old")
    fill(tmp_path / "out", "new")
    assert tree(tmp_path) == {"out": None, "out/new": b"new", "out/sub": None}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_staged_folder_keeps_the_old_one_on_any_error(tmp_path, error):
    fill(tmp_path / "out", "old")
    before = tree(tmp_path)
    with pytest.raises(error), whole.staged_folder(tmp_path / "out") as stage:
        (stage / "half").write_bytes(b"")
        raise error
    assert tree(tmp_path) == before


@pytest.mark.parametrize("broken", ["rename"])
@pytest.mark.parametrize("old", [True, False])
def test_staged_folder_on_a_full_disk(tmp_path, monkeypatch, broken, old):
    if old:
        fill(tmp_path / "out", "old")
    before = tree(tmp_path)
    without_exchange(monkeypatch)
    monkeypatch.setattr(os, broken, no_space)
    with refused(ToolError, RULE, f"No space left on device at {tmp_path}/out", FIX):
        fill(tmp_path / "out")
    assert tree(tmp_path) == before


def test_staged_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"keep")
    found = re.compile(f"(Not a directory|File exists) at {re.escape(str(tmp_path))}/file.*")
    with refused(ToolError, RULE, found, FIX):
        fill(tmp_path / "file" / "out")
    assert tree(tmp_path) == {"file": b"keep"}


@pytest.mark.parametrize("call, after, kept", [(1, False, "old"), (1, True, "old"), (2, False, "old"),
                                               (2, True, "new")])
def test_staged_folder_interrupted_while_it_takes_its_place(tmp_path, monkeypatch, call, after, kept):
    fill(tmp_path / "out", "old")
    without_exchange(monkeypatch)
    interrupted(monkeypatch, "rename", call, after)
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "out", "new")
    assert tree(tmp_path) == {"out": None, "out/" + kept: kept.encode(), "out/sub": None}


@pytest.mark.parametrize("after", [True, False])
def test_the_first_staged_folder_interrupted(tmp_path, monkeypatch, after):
    interrupted(monkeypatch, "rename", 1, after)
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "out")
    assert tree(tmp_path) == ({"out": None, "out/new": b"new", "out/sub": None} if after else {})


def test_staged_folder_leaves_nothing_beside_a_file_that_it_meets(tmp_path):
    (tmp_path / "out").write_bytes(b"a file, not a folder")
    try:
        fill(tmp_path / "out")
    except ToolError:
        assert tree(tmp_path) == {"out": b"a file, not a folder"}
    else:
        assert tree(tmp_path) == {"out": None, "out/new": b"new", "out/sub": None}


@pytest.mark.parametrize("at_once", [True, False])
def test_staged_folder_leaves_nothing_beside_a_link_that_it_meets(tmp_path, monkeypatch, at_once):
    fill(tmp_path / "real", "old")
    (tmp_path / "out").symlink_to(tmp_path / "real")
    if not at_once:
        without_exchange(monkeypatch)
    fill(tmp_path / "out")
    assert (tmp_path / "out" / "new").read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "real"]
    assert tree(tmp_path / "real") == {"old": b"old", "sub": None}
