"""A file layer that fails, or ends the process, at any of its calls, and one that notes what was synced when."""
import fcntl
import os
from pathlib import Path

from quarl.host.files import whole

CALLS = ("open", "write", "fsync", "rename", "replace", "unlink", "rmdir", "chmod", "mkdir", "listdir", "scandir",
         "close")
KILLED = 9


def at_call(monkeypatch, number, happen, others=()):
    """Do ``happen()`` in place of the ``number``-th call of the system (1 is the first), or right after a close.

    Returns a list of the names of the calls so far. ``others`` are more functions, as (object, name).
    """
    made = []

    def wrap(owner, name):
        real = getattr(owner, name)

        def call(*args, **kwargs):
            made.append(name)
            if len(made) != number:
                return real(*args, **kwargs)
            if name == "close":
                real(*args, **kwargs)       # a handle is closed, whatever close says
            return happen()
        monkeypatch.setattr(owner, name, call)

    for name in CALLS:
        wrap(os, name)
    wrap(fcntl, "flock")
    wrap(whole, "exchange")
    return made


def killed_at(monkeypatch, number, work):
    """Do ``work()`` in a process of its own, which ends at the ``number``-th call; whether it came so far."""
    child = os.fork()
    if not child:
        code = 1
        try:
            with monkeypatch.context() as patch:
                at_call(patch, number, lambda: os._exit(KILLED))
                work()
                code = 0
        finally:
            os._exit(code)
    status = os.WEXITSTATUS(os.waitpid(child, 0)[1])
    assert status in (0, KILLED)
    return status == KILLED


class Recorder:
    """Holds each rename to what was synced before it, and the whole to what is synced in the end."""

    def __init__(self, monkeypatch):
        self.synced, self.unsynced_names, self.renames = set(), set(), 0
        for name in ("rename", "replace"):
            self._wrap(monkeypatch, os, name)
        self._wrap(monkeypatch, whole, "exchange")
        fsync, write, mkdir = os.fsync, os.write, os.mkdir

        def noted_fsync(handle):
            path = os.readlink("/proc/self/fd/%d" % handle)
            fsync(handle)
            self.synced.add(os.stat(path).st_ino)
            self.unsynced_names.discard(path)

        def noted_write(handle, data):
            self.synced.discard(os.fstat(handle).st_ino)
            return write(handle, data)

        def noted_mkdir(path, *args, **kwargs):
            mkdir(path, *args, **kwargs)
            if not str(path).endswith(".quarl-tmp"):
                self.unsynced_names.add(os.path.dirname(str(path)))

        monkeypatch.setattr(os, "fsync", noted_fsync)
        monkeypatch.setattr(os, "write", noted_write)
        monkeypatch.setattr(os, "mkdir", noted_mkdir)

    def _wrap(self, monkeypatch, owner, name):
        real = getattr(owner, name)

        def call(source, target):
            if not str(target).endswith(".quarl-old"):
                self.renames += 1
                for path in [Path(source), *Path(source).rglob("*")]:
                    assert path.stat().st_ino in self.synced, "%s is renamed before it is synced" % path
            done = real(source, target)
            self.unsynced_names.add(os.path.dirname(str(target)))
            return done
        monkeypatch.setattr(owner, name, call)
