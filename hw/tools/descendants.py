"""All processes that a process has started, directly or not, and their end."""
from __future__ import annotations

import contextlib
import os
import signal

# Python's own helper ends with its last user, and removes what they left in shared memory: it must outlive them.
_SPARED = b"resource_tracker"


def kill_descendants(ancestor: int) -> None:
    """Kill all that ``ancestor`` has started, and what that has; each is stopped first, lest it start another."""
    stopped: set[int] = set()
    while found := descendants(ancestor) - stopped:
        stopped |= found
        for process in found:
            _send(process, signal.SIGSTOP)
    for process in stopped:
        _send(process, signal.SIGKILL)


def descendants(ancestor: int) -> set[int]:
    """The processes below ``ancestor`` that have not ended and are not spared."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):      # it has ended meanwhile
                state, parent = _stat(name)
                if state != "Z":
                    children.setdefault(parent, []).append(int(name))
    found, new = set[int](), [ancestor]
    while new:
        new = [child for process in new for child in children.get(process, ()) if child not in found]
        found.update(new)
    return {process for process in found if not _is_spared(process)}


def _stat(process: str) -> tuple[str, int]:
    with open(f"/proc/{process}/stat", "rb") as file:
        state, parent = file.read().rpartition(b")")[2].split()[:2]
    return state.decode(), int(parent)


def _is_spared(process: int) -> bool:
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return _SPARED in file.read()
    except OSError:
        return False


def _send(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)
