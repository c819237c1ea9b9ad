"""What the commands print beyond :mod:`host.console`: stages with a spinner on a terminal, tables with lines."""
from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from host.console import say as say


@contextlib.contextmanager
def stage(title: str) -> Iterator[None]:
    """Show that ``title`` is under way, and how long it took."""
    start = time.perf_counter()
    if sys.stdout.isatty():
        from rich.console import Console
        with Console().status(title):
            yield
    else:
        yield
    say("%-58s %6.1f s" % (title, time.perf_counter() - start))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table: first column to the left, the others to the right."""
    from rich.console import Console
    from rich.table import Table
    say("")
    say(title)
    grid = Table()
    for index, column in enumerate(columns):
        grid.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        grid.add_row(*(str(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else 120).print(grid)

