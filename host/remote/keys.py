"""CURVE keys as files: one pair for the server, one for a client, and the clients that the server lets in.

    DIR/server.secret         stays with the server (mode 0600)       DIR/server.public    goes to every client
    DIR/clients/NAME.public   who may use the server                  DIR/client.secret    stays with the client (0600)

Each file holds one key: 40 characters of Z85. A public key follows from its secret one. Beside them ``.gitignore``
keeps the secrets out of a repository.
"""
from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Dict, List, NamedTuple

from quarl.host.errors import ToolError, UserError
from quarl.host.files import PathLike, explained

_MAKE = "make keys with `quarl keys DIR`, or copy the file from the machine that made them"


class Pair(NamedTuple):
    """A public and a secret key, Z85."""

    public: bytes
    secret: bytes


class ServerKeys(NamedTuple):
    """The server's pair, and the names of the clients that it lets in, by the 32 raw bytes of their public keys."""

    own: Pair
    clients: Dict[bytes, str]


class ClientKeys(NamedTuple):
    """The client's pair, and the server's public key, Z85."""

    own: Pair
    server: bytes


def create(folder: PathLike) -> List[Path]:
    """Make what is missing of the server's and a client's pairs in ``folder``; the files that are new.

    Nothing that is there is overwritten. Raises :class:`ToolError` for a disk that refuses, :class:`UserError` for a
    secret key that is none.
    """
    import zmq

    folder = Path(folder)
    _require_curve()
    made: List[Path] = []
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "clients").mkdir(exist_ok=True)
        _write_new(folder / ".gitignore", b"*.secret", 0o644)       # lest a repository take them up
        for secret, public in ((folder / "server.secret", folder / "server.public"),
                               (folder / "client.secret", folder / "clients" / "client.public")):
            if not secret.exists():
                made += _write_new(secret, zmq.curve_keypair()[1], 0o600)
            made += _write_new(public, _pair(secret).public, 0o644)
    return made


def _write_new(path: Path, line: bytes, mode: int) -> List[Path]:
    """Write ``line``, unless there is such a file: it is then left as it is."""
    try:
        handle = os.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return []
    with os.fdopen(handle, "wb") as file:
        file.write(line + b"\n")
    return [path]


def of_server(folder: PathLike) -> ServerKeys:
    """The server's keys and its clients'. Raises :class:`UserError` for a file that is missing or no key."""
    import zmq.utils.z85

    _require_curve()
    folder = Path(folder)
    own = _pair(folder / "server.secret")
    clients = {zmq.utils.z85.decode(_read(path)): path.stem for path in sorted((folder / "clients").glob("*.public"))}
    if not clients:
        raise UserError("a server must know the public key of at least one client",
                        "no .public file in %s" % (folder / "clients"), _MAKE)
    return ServerKeys(own, clients)


def of_client(folder: PathLike) -> ClientKeys:
    """A client's keys and its server's. Raises :class:`UserError` for a file that is missing or no key."""
    _require_curve()
    return ClientKeys(_pair(Path(folder) / "client.secret"), _read(Path(folder) / "server.public"))


def _pair(path: Path) -> Pair:
    import zmq

    secret = _read(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise UserError("a secret key must be readable by its owner alone", "mode %04o of %s" % (mode, path),
                        "chmod 600 %s; if others could read it, delete it and make new keys" % path)
    return Pair(zmq.curve_public(secret), secret)


def _read(path: Path) -> bytes:
    import zmq
    import zmq.utils.z85

    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise UserError("a key file must be there", "%s at %s" % (error.strerror, path), _MAKE) from error
    try:
        zmq.curve_public(key)           # any 32 bytes are a key; this checks that there are 32
        if zmq.utils.z85.encode(zmq.utils.z85.decode(key)) == key:
            return key
    except Exception:                   # pyzmq's versions differ in what they raise
        pass
    raise UserError("a key file must hold one key of 40 characters (Z85)", "%d bytes in %s" % (len(key), path), _MAKE)


def _require_curve() -> None:
    import zmq

    if not zmq.has("curve"):
        raise ToolError("pyzmq must be built with CURVE", "libzmq %s without it" % zmq.zmq_version(),
                        "install a pyzmq wheel with pip, or work on loopback without keys")
