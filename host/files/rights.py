"""Who may read what is written: whom the umask lets."""
from __future__ import annotations

import os
import stat


def spread(folder: str) -> None:
    """All that is in ``folder`` gets the rights that it would have, were it made as ``folder`` was: what has been
    copied there, or made as a temporary file, may have others. Raises OSError.
    """
    _spread(folder, stat.S_IMODE(os.stat(folder).st_mode) & 0o777)


def _spread(folder: str, allowed: int) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
            if entry.is_dir(follow_symlinks=False):
                _set(entry.path, mode, allowed)
                _spread(entry.path, allowed)
            elif entry.is_file(follow_symlinks=False):
                _set(entry.path, mode, (0o777 if mode & 0o111 else 0o666) & allowed)


def _set(path: str, mode: int, wanted: int) -> None:
    if mode & 0o777 != wanted:
        os.chmod(path, mode & ~0o777 | wanted)
