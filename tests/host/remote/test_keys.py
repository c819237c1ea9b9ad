"""Key files: made once, kept secret, checked when read."""
import os
import stat
import subprocess
from pathlib import Path

import pytest
import zmq
import zmq.utils.z85

from quarl.host.errors import ToolError, UserError
from quarl.host.remote import keys
from tests.host.helpers import refused

MAKE = "make keys with `quarl keys DIR`, or copy the file from the machine that made them"
FILES = ["client.secret", "clients/client.public", "server.public", "server.secret"]


def read(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_two_pairs_that_fit(tmp_path):
    old = os.umask(0)
    try:
        made = keys.create(tmp_path / "a" / "keys")
    finally:
        os.umask(old)
    folder = tmp_path / "a" / "keys"
    assert sorted(str(path.relative_to(folder)) for path in made) == FILES
    assert sorted(read(folder)) == [".gitignore", *FILES]
    assert {name: mode(folder / name) for name in FILES} == dict(zip(FILES, (0o600, 0o644, 0o644, 0o600), strict=True))
    server, client = keys.of_server(folder), keys.of_client(folder)
    assert server.own.public == client.server == zmq.curve_public(server.own.secret)
    assert server.clients == {zmq.utils.z85.decode(client.own.public): "client"}
    assert server.own.secret != client.own.secret


def test_nothing_is_overwritten(tmp_path):
    keys.create(tmp_path)
    before = read(tmp_path)
    assert keys.create(tmp_path) == [] and read(tmp_path) == before


def test_what_is_missing_is_made_anew(tmp_path):
    keys.create(tmp_path)
    before = read(tmp_path)
    (tmp_path / "server.public").unlink()
    assert keys.create(tmp_path) == [tmp_path / "server.public"] and read(tmp_path) == before


def test_a_secret_that_others_can_read_is_refused(tmp_path):
    keys.create(tmp_path)
    path = tmp_path / "client.secret"
    path.chmod(0o640)
    with refused(UserError, "a secret key must be readable by its owner alone", f"mode 0640 of {path}",
                 f"chmod 600 {path}; if others could read it, delete it and make new keys"):
        keys.of_client(tmp_path)


@pytest.mark.parametrize("data", [b"", b"short", b"x" * 41, b"\xff" * 40, b" " * 40, b"~" * 40])
@pytest.mark.parametrize("name", ["server.secret", "clients/client.public"])
def test_a_file_that_is_no_key(tmp_path, data, name):
    keys.create(tmp_path)
    (tmp_path / name).write_bytes(data)
    with refused(UserError, "a key file must hold one key of 40 characters (Z85)",
                 f"{len(data.strip())} bytes in {tmp_path / name}", MAKE):
        keys.of_server(tmp_path)


def test_a_missing_file(tmp_path):
    keys.create(tmp_path)
    (tmp_path / "server.public").unlink()
    with refused(UserError, "a key file must be there", f"No such file or directory at {tmp_path}/server.public", MAKE):
        keys.of_client(tmp_path)


def test_a_server_without_clients(tmp_path):
    keys.create(tmp_path)
    (tmp_path / "clients" / "client.public").unlink()
    with refused(UserError, "a server must know the public key of at least one client",
                 f"no .public file in {tmp_path}/clients", MAKE):
        keys.of_server(tmp_path)


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ToolError, match=r"^the output folder must be writable and have free space, found Not a "):
        keys.create(tmp_path / "file" / "keys")


def test_pyzmq_without_curve(tmp_path, monkeypatch):
    keys.create(tmp_path)
    monkeypatch.setattr(zmq, "has", lambda name: name != "curve")
    for use in (keys.create, keys.of_server, keys.of_client):
        with refused(ToolError, "pyzmq must be built with CURVE", f"libzmq {zmq.zmq_version()} without it",
                     "install a pyzmq wheel with pip, or work on loopback without keys"):
            use(tmp_path)


@pytest.mark.parametrize("place", [".", "keys", "a/b"])
def test_git_adds_no_secret(tmp_path, place):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    keys.create(tmp_path / place)
    shown = subprocess.run(["git", "-C", str(tmp_path), "ls-files", "-o", "--exclude-standard"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.split()
    folder = Path(place)
    assert sorted(shown) == sorted(str(folder / name) for name in (".gitignore", "server.public",
                                                                   "clients/client.public"))
