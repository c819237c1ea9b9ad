"""Temporary names that have an owner, and what becomes of those whose owner was killed.

A temporary file or folder is called ``SOMETHING.XXXXXXXX.quarl-tmp``. Its owner holds a lock on it (flock), which the
system drops with the process, however that ends: whoever gets the lock may take the thing away. Beside a folder's
``.NAME.XXXXXXXX.quarl-tmp``, ``.NAME.XXXXXXXX.quarl-old`` is what ``NAME`` was before, put aside for the moment until
the new folder has its place. A file system that knows no such locks keeps its leftovers.
"""
from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from typing import Callable, Iterator, Optional, Tuple

from quarl.host.files.durable import sync

TEMPORARY, OLD = ".quarl-tmp", ".quarl-old"
_RANDOM = 9             # characters of ``.XXXXXXXX``
_NO_LOCKS = (errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


def new_file(folder: str, prefix: str) -> Tuple[str, int]:
    """A new file in ``folder``, with the rights that the umask leaves, and the handle to write it by, which holds its
    lock. Raises OSError.
    """
    def make(path: str) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    return _owned(folder, prefix, make)


def new_folder(folder: str, prefix: str, mode: int = 0o777) -> Tuple[str, int]:
    """A new folder in ``folder``, of ``mode`` less the umask, and the handle that holds its lock. Raises OSError."""
    def make(path: str) -> int:
        os.mkdir(path, mode)
        try:
            return os.open(path, os.O_RDONLY)
        except BaseException:
            remove(path)
            raise
    return _owned(folder, prefix, make)


def _owned(folder: str, prefix: str, make: Callable[[str], int]) -> Tuple[str, int]:
    while True:
        path = os.path.join(folder, prefix + os.urandom(4).hex() + TEMPORARY)
        try:
            handle = make(path)
        except FileExistsError:
            continue
        try:
            _lock(handle)
            if os.path.lexists(path):       # else it was swept before it had its lock
                return path, handle
        except BaseException:
            remove(path)
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def remove(path: str) -> None:
    """Take away a file, a link, or a folder with all that is in it, as far as the disk lets us."""
    with contextlib.suppress(OSError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        elif os.path.lexists(path):
            os.unlink(path)


def sweep(folder: str) -> None:
    """Take away what killed processes left in ``folder``, and bring back what they had only put aside.

    Nothing of a process that lives is touched. What the disk refuses is left for the next time.
    """
    with contextlib.suppress(OSError):
        names = os.listdir(folder)
        aside = [name[:-len(OLD)] for name in names if name.endswith(OLD)]
        for name in aside:
            _bring_back(folder, name)
        for name in aside:
            if os.path.lexists(_path_of(folder, name)):
                remove(os.path.join(folder, name + OLD))
        for name in names:
            if name.endswith(TEMPORARY):
                _take_away(os.path.join(folder, name))


def _path_of(folder: str, name: str) -> str:
    """What ``.NAME.XXXXXXXX`` in ``folder`` stands for."""
    return os.path.join(folder, name[1:-_RANDOM])


def _bring_back(folder: str, name: str) -> None:
    """Let what was put aside as ``name`` have its place again, if its owner was killed before the new had it."""
    path = _path_of(folder, name)
    if not os.path.lexists(path):
        with _ended(os.path.join(folder, name + TEMPORARY), fcntl.LOCK_EX) as stage:    # waits while its owner renames
            if stage is not None and not os.path.lexists(path):
                with contextlib.suppress(OSError):
                    os.rename(os.path.join(folder, name + OLD), path)
                    sync(folder)


def _take_away(path: str) -> None:
    if os.path.islink(path):
        remove(path)                # a link that a folder has replaced
    else:
        with _ended(path, fcntl.LOCK_EX | fcntl.LOCK_NB) as ours:
            if ours is not None:
                remove(path)


@contextlib.contextmanager
def _ended(path: str, how: int) -> Iterator[Optional[int]]:
    """Hold the lock of what a process left; None where that lives, or where there is nothing, or no lock."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        yield None
        return
    try:
        try:
            fcntl.flock(handle, how)
        except OSError:
            yield None
        else:
            yield handle
    finally:
        os.close(handle)
