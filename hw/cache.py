"""One cache folder for everything that is slow to make again: content-addressed, filled atomically."""
from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from host.files import explained, staged_folder


def cache_folder(kind: str, key: str) -> Path:
    """Where the entry ``key`` of ``kind`` lives, below ``$QUARL_CACHE`` or ``~/.cache/quarl``. Creates nothing."""
    root = os.environ.get("QUARL_CACHE") or Path.home() / ".cache" / "quarl"
    return Path(root).absolute() / kind / key


def cached(kind: str, key: str, fill: Callable[[Path], None]) -> Path:
    """Return the folder of an entry; if it is missing, ``fill`` a new one, which appears whole or not at all.

    Processes that want the same entry at the same time wait for the first one instead of doing the work twice.
    Raises :class:`host.errors.ToolError` when the folder cannot be written.
    """
    folder = cache_folder(kind, key)
    if folder.is_dir():
        return folder
    with explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = open(folder.with_name(f".{key}.lock"), "w")  # noqa: SIM115 (closed by the with below)
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with staged_folder(folder) as stage:
                fill(stage)
    return folder


def digest(parts: Iterable[bytes | str]) -> str:
    """A key of 32 hex characters for a sequence of contents; the boundaries between the parts count."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little") + data)
    return total.hexdigest()[:32]
