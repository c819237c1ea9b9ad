"""Files that are either whole or absent, after a kill and a loss of power too; content hashes."""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Iterator, Optional, Set, Union

from quarl.host.errors import ToolError
from quarl.host.files import leftovers
from quarl.host.files.durable import exchange, make_folders, sync, sync_handle, sync_tree
from quarl.host.files.rights import spread

PathLike = Union[str, "os.PathLike[str]"]


def sha256(data: bytes) -> str:
    """Hex digest of ``data``."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: Any) -> bytes:
    """The one byte string that stands for ``value``: sorted keys, no spaces, no NaN (``ValueError``)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def cannot_write(path: PathLike, error: OSError) -> ToolError:
    """The error to show for a disk that refuses ``path``."""
    return ToolError("the output folder must be writable and have free space",
                     "%s at %s" % (error.strerror or error, path),
                     "free some space, change its permissions, or choose another folder (--out, QUARL_CACHE, TMPDIR)")


@contextlib.contextmanager
def explained(path: PathLike) -> Iterator[None]:
    """Turn an ``OSError`` while writing below ``path`` into a :class:`ToolError`."""
    try:
        yield
    except OSError as error:
        raise cannot_write(error.filename or path, error) from error


def write_bytes(path: PathLike, data: bytes) -> None:
    """Write ``data`` to a temporary name beside ``path``, then rename. Raises :class:`ToolError`.

    Its rights are what the umask leaves, also where it replaces a file.

    Once this returns, ``data`` survives a loss of power; until then, what was there before does.
    """
    path = Path(path).absolute()
    with explained(path):
        lasting = not _is_private(path)
        make_folders(str(path.parent), lasting)
        if lasting:
            leftovers.sweep(str(path.parent))
        temporary, handle = leftovers.new_file(str(path.parent), "." + path.name + ".")
        try:
            _write(handle, data)
            if lasting:
                sync_handle(handle)
            os.replace(temporary, str(path))
            if lasting:
                sync(str(path.parent))
        except BaseException:
            leftovers.remove(temporary)
            raise
        finally:
            os.close(handle)


def _write(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest):]


def write_json(path: PathLike, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically."""
    write_bytes(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


@contextlib.contextmanager
def staged_folder(path: PathLike) -> Iterator[Path]:
    """Fill a new folder beside ``path``; on success it takes ``path``'s place, on any error it vanishes.

    An earlier folder at ``path`` is replaced whole, and stays untouched when the block fails. Whoever reads such
    folders calls :func:`recover` before. A folder that has its place survives a loss of power, whole.
    """
    path = Path(path).absolute()    # whatever becomes of the working directory meanwhile
    lasting = not _is_private(path)
    with explained(path):
        make_folders(str(path.parent), lasting)
        if lasting:
            leftovers.sweep(str(path.parent))
        stage, handle = leftovers.new_folder(str(path.parent), "." + path.name + ".")
    old = stage[:-len(leftovers.TEMPORARY)] + leftovers.OLD
    try:
        with _private(Path(stage)) as folder:
            yield folder
        with explained(path):
            spread(stage)
            if lasting:
                sync_tree(stage)
            _take_place(stage, str(path), old)
            if lasting:
                sync(str(path.parent))
    finally:
        with explained(path):
            try:
                if os.path.lexists(old) and not os.path.lexists(str(path)):
                    os.rename(old, str(path))
                leftovers.remove(stage)
                leftovers.remove(old)
            finally:
                os.close(handle)


def _take_place(stage: str, path: str, old: str) -> None:
    """Rename ``stage`` to ``path``; what was there gets one of the other two names."""
    if not (os.path.lexists(path) and exchange(stage, path)):
        if os.path.lexists(path):
            os.rename(path, old)        # a kill between these two lines is what recover() is for
        os.rename(stage, path)


def recover(path: PathLike) -> None:
    """Before the folder ``path`` is read: bring it back where a kill left it put aside, and sweep around it."""
    leftovers.sweep(str(Path(path).absolute().parent))


@contextlib.contextmanager
def scratch_folder(purpose: str, parent: Optional[str] = None) -> Iterator[Path]:
    """A folder below ``parent``, else ``TMPDIR``, its owner's alone, for as long as the block runs; sweeps those of
    killed processes."""
    parent = parent or tempfile.gettempdir()
    with explained(parent):
        leftovers.sweep(parent)
        folder, handle = leftovers.new_folder(parent, "quarl-%s." % purpose, 0o700)
    try:
        with _private(Path(folder)) as path:
            yield path
    finally:
        leftovers.remove(folder)
        os.close(handle)


_in_work: Set[Path] = set()     # folders of this process that nobody reads yet: synced as a whole, or never


@contextlib.contextmanager
def _private(folder: Path) -> Iterator[Path]:
    _in_work.add(folder)
    try:
        yield folder
    finally:
        _in_work.discard(folder)


def _is_private(path: Path) -> bool:
    return not _in_work.isdisjoint(path.parents)
