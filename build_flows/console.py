"""What the commands print beyond ``host.console``: stages and phases that show on a terminal, tables with lines."""
from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from quarl.host.console import say as say
from quarl.host.console import shows


def on_terminal() -> bool:
    """Whether a person looks on, for whom something may move."""
    return shows() and sys.stdout.isatty()


@contextlib.contextmanager
def stage(title: str) -> Iterator[None]:
    """Show that ``title`` is under way, and how long it took."""
    start = time.perf_counter()
    if on_terminal():
        from rich.console import Console
        with Console().status(title):
            yield
    else:
        yield
    say("%-58s %6.1f s" % (title, time.perf_counter() - start))


@contextlib.contextmanager
def phases(tool: str, names: Sequence[str]) -> Iterator[Callable[[int], None]]:
    """Show how far a tool is: a bar by phase on a terminal, a line a phase elsewhere.

    What is yielded takes an index of ``names``.
    """
    if not on_terminal():
        start = time.perf_counter()
        yield lambda phase: say("%-58s %6.1f s" % (f"{tool}: {names[phase]}", time.perf_counter() - start))
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    with Progress(TextColumn(tool + ": {task.description}"), BarColumn(), TimeElapsedColumn()) as bar:
        task = bar.add_task(names[0], total=len(names))
        yield lambda phase: bar.update(task, description=names[phase], completed=phase)
        bar.update(task, description="done", completed=len(names))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], left: int = 1) -> None:
    """Print a table: the first ``left`` columns to the left, the others to the right."""
    if not shows():
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table
    say("")
    say(title)
    grid = Table()
    for index, column in enumerate(columns):
        grid.add_column(column, justify="left" if index < left else "right")
    for row in rows:
        grid.add_row(*(escape(str(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else 120).print(grid)

