"""One core for both ends of a connection within a machine.

A step is a chain: the client, its ZeroMQ thread, the server's, the server, and back. No two of them ever work at once,
but to wake one on another core can take as long as the step, most of all where that core sleeps or is a virtual one.
On one core each hands over to the next.
"""
from __future__ import annotations

import contextlib
import os
import threading
from typing import Any, Iterable, Set


class Core:
    """The core for the server at ``address``, tcp://HOST:PORT: from the port, so that client and server agree.

    As a context manager it has the thread that enters, until that leaves. Where threads cannot be told their core, or
    the other end is not on this machine (``near``), they stay where they are.
    """

    def __init__(self, address: str, near: bool = True):
        self._one: Set[int] = set()
        self._held = self._thread = 0
        if near and hasattr(os, "sched_setaffinity"):
            allowed = sorted(os.sched_getaffinity(0))
            self._one = {allowed[int(address.rpartition(":")[2]) % len(allowed)]}

    def __enter__(self) -> None:
        self.hold()

    def __exit__(self, *_: Any) -> None:
        self.release()

    def hold(self) -> None:
        """The calling thread is here until :meth:`release`, an earlier one no more. Cheap where it is here already."""
        if self._held != threading.get_ident() and self._one:
            self.release()
            self._held, self._thread, self._home = threading.get_ident(), threading.get_native_id(), \
                os.sched_getaffinity(0)
            self.keep([0])

    def release(self) -> None:
        """The thread that is held goes where it could before."""
        if self._held:
            self._held = 0
            _move(self._thread, self._home)

    def keep(self, threads: Iterable[int]) -> None:
        """These threads of this process are on the core from now on; 0 is the calling one."""
        for thread in threads:
            _move(thread, self._one)


def _move(thread: int, cores: Set[int]) -> None:
    with contextlib.suppress(OSError):          # a core that was taken from this process, a thread that has ended
        os.sched_setaffinity(thread, cores)


def threads() -> Set[int]:
    """All threads of this process, none where the system does not say."""
    try:
        return {int(name) for name in os.listdir("/proc/self/task")}
    except OSError:
        return set()
