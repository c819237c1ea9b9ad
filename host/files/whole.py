"""Files that are either whole or absent: atomic writes, staged folders, content hashes."""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Iterator, Union

from quarl.host.errors import ToolError

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
    """Write ``data`` to a temporary name beside ``path``, then rename. Raises :class:`ToolError`."""
    path = Path(path)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=str(path.parent), prefix="." + path.name + ".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, 0o644)
            os.replace(temporary, str(path))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def write_json(path: PathLike, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically."""
    write_bytes(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


@contextlib.contextmanager
def staged_folder(path: PathLike) -> Iterator[Path]:
    """Fill a new folder beside ``path``; on success it takes ``path``'s place, on any error it vanishes.

    An earlier folder at ``path`` is replaced whole, and stays untouched when the block fails.
    """
    path = Path(path).absolute()    # whatever becomes of the working directory meanwhile
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(dir=str(path.parent), prefix="." + path.name + "."))
    old = stage.with_name(stage.name + ".old")
    try:
        yield stage
        with explained(path):
            os.chmod(str(stage), 0o755)
            if os.path.lexists(str(path)):
                os.rename(str(path), str(old))
            os.rename(str(stage), str(path))
    finally:
        if os.path.lexists(str(old)) and not os.path.lexists(str(path)):
            os.rename(str(old), str(path))
        shutil.rmtree(str(stage), ignore_errors=True)
        if old.is_symlink() or old.is_file():
            old.unlink()
        shutil.rmtree(str(old), ignore_errors=True)
