"""One writer a folder: an advisory lock that the system drops with the process, however it ends."""
from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from quarl.host.errors import UserError
from quarl.host.files import explained

NAME = ".lock"


@contextlib.contextmanager
def waiting_for(folder: Path) -> Iterator[None]:
    """Hold ``folder``, which is made if there is none, as soon as nobody else does."""
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / NAME, "w")  # noqa: SIM115 (closed by the with below)
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def alone_in(folder: Path, work: str = "study", option: str = "--results") -> Iterator[None]:
    """Hold ``folder``, which is made if there is none and was chosen by ``option``, for this ``work``.

    Raises :class:`UserError` where another process does.
    """
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / NAME, "w")  # noqa: SIM115
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"one {work} at a time may write a results folder", f"another one at work in {folder}",
                            f"wait until it has ended, or choose another {option}") from error
        yield
