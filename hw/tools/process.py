"""Child processes that end with us: whatever was started here can be stopped at once, with all that it started."""
from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from quarl.hw.tools.descendants import kill_descendants

_lock = threading.Lock()
_running: set[subprocess.Popen[str]] = set()
_stopped = threading.Event()


def run(command: Sequence[str], text: str | None = None, environment: Mapping[str, str] | None = None,
        folder: Path | None = None, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``command`` in ``folder`` to its end with ``text`` on its standard input; output is captured.

    What takes longer than ``timeout`` seconds is killed with all that it started: TimeoutError. After :func:`stop_all`
    nothing is started any more: KeyboardInterrupt instead.
    """
    with _lock:
        check_stopped()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, errors="replace", env=environment, cwd=folder, start_new_session=True)
        _running.add(process)
    try:
        out, error = process.communicate(text, timeout)
    except subprocess.TimeoutExpired:
        _kill(process)
        process.communicate()
        check_stopped()
        raise TimeoutError from None
    except BaseException:       # Ctrl-C, also where the session goes on afterwards
        _kill(process)
        process.wait()
        raise
    finally:
        with _lock:
            _running.discard(process)
    check_stopped()
    return subprocess.CompletedProcess(command, process.returncode, out, error)


def follow(command: Sequence[str], on_line: Callable[[str], None], environment: Mapping[str, str], folder: Path,
           timeout: float | None = None) -> int:
    """Run ``command`` in ``folder`` and hand every line that it writes to ``on_line``; its exit code.

    Whatever ends this (the end of ``timeout`` seconds as TimeoutError, Ctrl-C, an error of ``on_line``), the command
    ends with it, and all that it started. Negative codes are signals.
    """
    with _lock:
        check_stopped()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace", env=environment, cwd=folder, start_new_session=True)
        _running.add(process)
    late = threading.Event()

    def stop() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(timeout or threading.TIMEOUT_MAX, stop)
    timer.daemon = True
    try:
        timer.start()
        for line in process.stdout or ():
            on_line(line.rstrip("\n"))
        process.wait()
    finally:
        timer.cancel()
        _kill(process)      # its group, which may outlive it
        process.wait()
        with _lock:
            _running.discard(process)
    check_stopped()
    if late.is_set():
        raise TimeoutError
    return process.returncode


def check_stopped() -> None:
    """Raise KeyboardInterrupt after :func:`stop_all`: for whatever waits without a child process."""
    if _stopped.is_set():
        raise KeyboardInterrupt


def stop_all() -> None:
    """Kill every running child with its process group and all other descendants, and let no other start."""
    _stopped.set()
    # No lock: this may run in a signal handler while run() holds it.
    for process in list(_running):
        _kill(process)
    kill_descendants(os.getpid())


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill a child with its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
