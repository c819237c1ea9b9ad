"""What a loss of power leaves: files and folders as they were when they were last synced; and two folders that swap."""
from __future__ import annotations

import ctypes
import errno
import os
from typing import Any

_REFUSED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)      # of a file system that cannot sync such a thing
_HERE, _EXCHANGE = -100, 2      # AT_FDCWD and RENAME_EXCHANGE of Linux


def sync_handle(handle: int) -> None:
    """Wait until what is behind ``handle`` is on the disk. Raises OSError where the disk fails."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _REFUSED:
            raise


def sync(path: str) -> None:
    """Wait until the file, or the names in the folder, ``path`` are on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        sync_handle(handle)
    finally:
        os.close(handle)


def sync_tree(folder: str) -> None:
    """Wait until ``folder`` and all that is in it are on the disk. Raises OSError."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                sync_tree(entry.path)
            elif entry.is_file(follow_symlinks=False):
                sync(entry.path)
    sync(folder)


def make_folders(folder: str, lasting: bool) -> None:
    """Make ``folder`` and those above it that are missing; if ``lasting``, sync the new names. Raises OSError."""
    missing = []
    while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
        missing.append(folder)
        folder = os.path.dirname(folder)
    for each in reversed(missing):
        try:
            os.mkdir(each)
        except FileExistsError:
            if not os.path.isdir(each):     # somebody else may have made it meanwhile
                raise
        if lasting:
            sync(os.path.dirname(each))


def exchange(one: str, other: str) -> bool:
    """Let two names swap what they stand for, at once; False, and nothing is done, where the system cannot."""
    rename: Any = getattr(ctypes.CDLL(None), "renameat2", None)
    return rename is not None and rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0
