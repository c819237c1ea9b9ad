"""The run log: one JSON object a line, whole lines only, flushed at the end of every episode.

A long log is cut into parts: ``emulator.jsonl``, then ``emulator.jsonl.1``, ``emulator.jsonl.2`` and so on, in order.
The log of an earlier run becomes ``emulator-1.jsonl``, the next one ``emulator-2.jsonl``, and so do their tables.
"""
from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import IO, Any, Dict, Iterator, List, Optional, Sequence, Type

from quarl.host.files import PathLike, cannot_write, explained
from quarl.host.files.durable import sync_handle
from quarl.host.log.meter import PARTS

TABLE = ".csv"           # of the episodes' table, beside the log
_STEP = '{"type": "step", "episode": %%d, "step": %%d, "action": %%s, "reward": %%r, "ns": {%s}, "cycles": %%s%%s}\n'
_STEPS = {number: _STEP % ", ".join('"%s": %%d' % name for name in PARTS[:number])
          for number in (len(PARTS) - 1, len(PARTS))}
_encode = json.JSONEncoder(allow_nan=False).encode


class RunLog:
    """Write records to ``path``; every line has a ``type``: run, step, episode, mismatch, error or summary.

    A part that would grow beyond ``max_bytes`` is followed by the next. At the first record, not before, the files of
    an earlier run get another name, ``earlier``. With ``append`` they are continued instead.
    What an interrupted run had flushed stays readable; a part that is closed survives a loss of power, too. Raises
    ``ToolError`` where the disk refuses.
    """

    def __init__(self, path: PathLike, max_bytes: Optional[int] = None, append: bool = False):
        self.path, self.max_bytes, self.append = Path(path), max_bytes, append
        self.earlier: Optional[Path] = None
        self._file: Optional[IO[str]] = None
        self._size = 0

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Any, traceback: Any) -> None:
        if self._file is not None:
            with explained(self.path):
                _close(self._file)

    def write(self, kind: str, **fields: Any) -> None:
        """Add one record."""
        self._add(_encode(dict(type=kind, **fields)) + "\n")
        if kind != "step" and self._file is not None:
            with explained(self.path):
                self._file.flush()

    def step(self, episode: int, step: int, action: Any, reward: float, spent: Sequence[int],
             cycles: Optional[int], late_ns: Optional[int]) -> None:
        """Add the record of a step: what ``write`` would write, several times as fast.

        ``action`` is an int or a list of finite floats, ``reward`` finite, ``spent`` as in ``Times.add``.
        """
        self._add(_STEPS[len(spent)] % (episode, step, action, reward, *spent, "null" if cycles is None else cycles,
                                        "" if late_ns is None else ', "late_ns": %d' % late_ns))

    def _add(self, line: str) -> None:
        try:                                           # `explained` would take a third of a step's time here
            if self._file is None:
                self._file = self._first()
            if self.max_bytes is not None and self._size and self._size + len(line) > self.max_bytes:
                _close(self._file)
                self._file = self._open(part(self.path, len(parts(self.path))), "w")
            self._file.write(line)
            self._size += len(line)
        except OSError as error:
            raise cannot_write(error.filename or self.path, error) from error

    def _first(self) -> IO[str]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        there = parts(self.path)
        if self.append and there:
            return self._open(there[-1], "a")
        if self.path.is_file():
            self.earlier = _put_aside(self.path)
        return self._open(self.path, "w")

    def _open(self, path: Path, mode: str) -> IO[str]:
        file = open(str(path), mode, encoding="ascii")  # noqa: SIM115
        self._size = file.tell()
        return file


def _put_aside(path: Path) -> Path:
    """Give the log ``path`` and its table the first free number: its new path.

    Its first part goes last, so that after a kill the next run goes on with the same number.
    """
    names = (path.with_name("%s-%d%s" % (path.stem, number, path.suffix)) for number in itertools.count(1))
    aside = next(name for name in names if not name.exists())
    if path.with_suffix(TABLE).is_file():
        os.replace(str(path.with_suffix(TABLE)), str(aside.with_suffix(TABLE)))
    for number, old in reversed(list(enumerate(parts(path)))):
        os.replace(str(old), str(part(aside, number)))
    return aside


def _close(file: IO[str]) -> None:
    try:
        file.flush()
        sync_handle(file.fileno())
    finally:
        file.close()


def part(path: PathLike, number: int) -> Path:
    """The file of part ``number`` of the log ``path``, from 0."""
    path = Path(path)
    return path if number == 0 else path.with_name("%s.%d" % (path.name, number))


def parts(path: PathLike) -> List[Path]:
    """The files of the log ``path`` that exist, in order."""
    return list(itertools.takewhile(Path.exists, (part(path, number) for number in itertools.count())))


def records(path: PathLike) -> Iterator[Dict[str, Any]]:
    """The records of a log, in order and from all its parts; a last line that was cut off is left out."""
    for each in [Path(path), *parts(path)[1:]]:
        with open(str(each), encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)
