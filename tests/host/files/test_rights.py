"""Files and folders have the rights that the umask leaves, also where they replace others; scratch is for its owner."""
import contextlib
import os
import shutil
import stat
import tempfile

import pytest

from quarl.host.files import scratch_folder, staged_folder, write_bytes, write_json
from quarl.host.remote import keys

UMASKS = [0o022, 0o077, 0o027, 0o002, 0o000]


@contextlib.contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder):
    return {path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


@pytest.mark.parametrize("mask", UMASKS)
def test_a_file_and_the_folders_above_it(tmp_path, mask):
    with umask(mask):
        write_json(tmp_path / "a" / "x.json", {})
        write_bytes(tmp_path / "a" / "b" / "x", b"1")
    assert modes(tmp_path) == {"a": 0o777 & ~mask, "a/b": 0o777 & ~mask, "a/x.json": 0o666 & ~mask,
                               "a/b/x": 0o666 & ~mask}


@pytest.mark.parametrize("mask", UMASKS)
def test_a_file_that_replaces_another(tmp_path, mask):
    (tmp_path / "x").touch(0o640)
    with umask(mask):
        write_bytes(tmp_path / "x", b"1")
    assert modes(tmp_path) == {"x": 0o666 & ~mask}


@pytest.mark.parametrize("mask", UMASKS)
def test_a_folder_whatever_its_parts_were_copied_from(tmp_path, mask):
    """Copies bring their rights along, and temporary folders are private."""
    program = tmp_path / "program"
    program.touch()
    program.chmod(0o755)
    (tmp_path / "wide").touch()
    (tmp_path / "wide").chmod(0o666)
    for _ in range(2):      # the second replaces the first
        with umask(mask), staged_folder(tmp_path / "out") as stage:
            shutil.copy(program, stage)
            shutil.copy(tmp_path / "wide", stage)
            shutil.move(tempfile.mkdtemp(dir=tmp_path), stage / "temporary")
            write_bytes(stage / "temporary" / "x", b"1")
            (stage / "temporary" / "private").touch(0o600)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o777 & ~mask
    assert modes(tmp_path / "out") == {
        "program": 0o777 & ~mask, "wide": 0o666 & ~mask, "temporary": 0o777 & ~mask, "temporary/x": 0o666 & ~mask,
        "temporary/private": 0o666 & ~mask}


def test_what_a_link_in_a_folder_leads_to_is_left_alone(tmp_path):
    (tmp_path / "others").touch()
    (tmp_path / "others").chmod(0o640)
    with umask(0o022), staged_folder(tmp_path / "out") as stage:
        (stage / "link").symlink_to(tmp_path / "others")
        (stage / "nowhere").symlink_to("nothing")
    assert stat.S_IMODE((tmp_path / "others").stat().st_mode) == 0o640


@pytest.mark.parametrize("mask", UMASKS)
def test_scratch_and_secrets_are_for_their_owner(tmp_path, mask, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with umask(mask):
        with scratch_folder("test") as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700 & ~mask
        keys.create(tmp_path / "keys")
    found = modes(tmp_path / "keys")
    assert found["server.secret"] == found["client.secret"] == 0o600 & ~mask
    assert found["server.public"] & 0o133 == 0
