"""Signals that end a command: always with exit code 130, whatever is under way when they come.

The first one raises KeyboardInterrupt, so that staged folders vanish and logs are closed. A library may swallow that,
or be in C code where no exception comes through; so a thread, which the system's signal handler itself wakes, ends the
process once the time for tidying is over, and at a second signal at once. The next command clears away what it leaves.
"""
from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from typing import Any, Callable, List, Optional

CODE = 130
_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE = 2.0            # s for tidying
_SAME = 0.5             # s within which a repeat is the same request: `timeout` and terminals signal twice
_AT_ONCE = b"interrupted: the next command clears away what is half-written; repeat the command to go on\n"


class Signals:
    """Heeds SIGINT, SIGTERM and SIGHUP from now on. ``stop`` ends child processes; it may be called more than once."""

    def __init__(self, stop: Callable[[], None]):
        self._stop = stop
        self.came = False           # whether one has come
        self.ended = False          # whether the command has: nothing is left to tidy
        self._first: Optional[float] = None
        self._closed = False
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, end == self._reader)
        self._before: List[Any] = [signal.signal(number, self._handle) for number in _NUMBERS]
        self._wakeup_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        _heeding.append(self)
        self._thread = threading.Thread(target=self._watch, name="signals", daemon=True)
        self._thread.start()

    def restore(self) -> None:
        """What signals do is as it was before: for a process that goes on."""
        for number, handler in zip(_NUMBERS, self._before):
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        _heeding.remove(self)
        self._closed = True
        os.close(self._writer)
        self._thread.join()
        os.close(self._reader)

    def _handle(self, number: int, frame: object) -> None:
        """In the main thread, between two steps of Python."""
        now = time.monotonic()
        if self.ended or (self._first is not None and now - self._first > _SAME):
            self._end()
        if self._first is None:
            self._first = now
        if not self.came:
            self.came = True
            self._stop()
            raise KeyboardInterrupt

    def _watch(self) -> None:
        """Beside the main thread: whatever that does."""
        while True:
            left = None if self._first is None else max(self._first + _GRACE - time.monotonic(), 0)
            if not select.select([self._reader], [], [], left)[0]:
                self._end()
            numbers = os.read(self._reader, 64)
            if self._closed or not numbers:
                return
            if any(signal.getsignal(number) == self._handle for number in numbers if number in _NUMBERS):
                now = time.monotonic()
                if self._first is None:
                    self._first = now
                elif now - self._first > _SAME:
                    self._end()

    def _end(self) -> None:
        with contextlib.suppress(Exception):
            self._stop()
        with contextlib.suppress(OSError):
            if not self.ended:
                os.write(2, _AT_ONCE)
        os._exit(CODE)


_heeding: List[Signals] = []


def _leave_to_parent() -> None:
    """In a forked process: it has the parent's pipe, and nothing of its own to tidy."""
    if _heeding:
        _heeding.clear()
        signal.set_wakeup_fd(-1)
        for number in _NUMBERS:
            signal.signal(number, signal.SIG_DFL)


os.register_at_fork(after_in_child=_leave_to_parent)
