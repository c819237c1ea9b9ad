"""One cache folder for everything that is slow to make again: content-addressed, filled atomically.

Entries are synced although they can be made again: one that a loss of power had left half-written would be taken for
whole. It costs about a millisecond a file; most entries have one or two, FINN's library, the largest, 167.
"""
from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from quarl.host.files import explained, staged_folder
from quarl.host.files.cache_root import cache_root
from quarl.hw.tools.process import check_stopped

_POLL = 0.1    # s between two looks at a lock that another process holds


def cache_folder(kind: str, key: str) -> Path:
    """Where the entry ``key`` of ``kind`` lives, below ``cache_root.cache_root``. Creates nothing."""
    return cache_root() / kind / key


def cached(kind: str, key: str, fill: Callable[[Path], None]) -> Path:
    """Return the folder of an entry; if it is missing, ``fill`` a new one, which appears whole or not at all.

    Processes that want the same entry at the same time wait for the first one instead of doing the work twice.
    Raises :class:`quarl.host.errors.ToolError` when the folder cannot be written, KeyboardInterrupt when everything is
    stopped while it waits.
    """
    folder = cache_folder(kind, key)
    if folder.is_dir():
        return folder
    with explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = open(folder.with_name(f".{key}.lock"), "w")  # noqa: SIM115 (closed by the with below)
    with lock:
        _acquire(lock)
        if not folder.is_dir():
            with staged_folder(folder) as stage:
                fill(stage)
    return folder


def _acquire(lock: IO[str]) -> None:
    """Wait for the lock, in steps: a thread that sleeps in flock would not notice that the work is stopped."""
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            check_stopped()
            time.sleep(_POLL)


def digest(parts: Iterable[bytes | str]) -> str:
    """A key of 32 hex characters for a sequence of contents; the boundaries between the parts count."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little") + data)
    return total.hexdigest()[:32]
