"""What the commands print: lines, plain tables, one JSON object."""
from __future__ import annotations

import json
from typing import Any, Dict, Sequence, Tuple


def say(text: str = "") -> None:
    """One line on standard output, at once."""
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
