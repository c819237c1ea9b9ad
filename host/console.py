"""What the commands print: lines, plain tables, one JSON object; nothing where a call from Python is quiet."""
from __future__ import annotations

import contextlib
import contextvars
import json
from typing import Any, Dict, Iterator, Sequence, Tuple

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
