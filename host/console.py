"""What the commands print: lines, plain tables, one JSON object; nothing where a call from Python is quiet."""
from __future__ import annotations

import codecs
import contextlib
import contextvars
import json
import sys
from typing import Any, Dict, Iterator, Sequence, Tuple, Union

_shown = contextvars.ContextVar("shown", default=True)


@contextlib.contextmanager
def showing(yes: bool) -> Iterator[None]:
    """Whether what is done inside shows on the console, in this thread."""
    token = _shown.set(yes)
    try:
        yield
    finally:
        _shown.reset(token)


def shows() -> bool:
    """Whether anything is to be printed."""
    return _shown.get()


def say(text: str = "") -> None:
    """One line on standard output, at once."""
    if shows():
        print(text, flush=True)


def table(title: str, rows: Sequence[Tuple[str, str]]) -> None:
    """Print a table of two columns in plain text."""
    say("\n" + title)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        say("  %-*s  %s" % (width, name, value))


def print_json(value: Dict[str, Any]) -> None:
    """``value`` as one line, the last that a command prints under ``--json``."""
    say(json.dumps(value, allow_nan=False))


_PLAIN = {"±": "+-", "…": "...", "→": "->", "−": "-", "–": "-", "—": "-", "×": "x", "µ": "u", "μ": "u", "°": " deg ",
          "²": "2", "·": "*", "≤": "<=", "≥": ">=", "≈": "~", "│": "|", "─": "-", "█": "#", "’": "'", "‘": "'",
          "“": '"', "”": '"'}
_ESCAPED = 0xDC00       # what Python adds to the bytes of a file's name that are no text


def _plainly(error: UnicodeError) -> Tuple[Union[str, bytes], int]:
    """What stands for the first character that an output's encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if 0x80 <= ord(character) - _ESCAPED <= 0xFF:
        return bytes([ord(character) - _ESCAPED]), error.start + 1
    return _PLAIN.get(character, "?"), error.start + 1


codecs.register_error("quarl-plain", _plainly)


@contextlib.contextmanager
def printable() -> Iterator[None]:
    """Whatever is printed inside is in the outputs' encoding, in plain characters where that has no others."""
    streams = [(stream, stream.errors) for stream in (sys.stdout, sys.stderr) if hasattr(stream, "reconfigure")]
    for stream, _ in streams:
        stream.reconfigure(errors="quarl-plain")
    try:
        yield
    finally:
        for stream, errors in streams:
            with contextlib.suppress(ValueError, OSError):      # it may have been closed
                stream.reconfigure(errors=errors)
