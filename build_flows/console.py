"""What the commands print beyond ``host.console``: stages and phases that show on a terminal, tables with lines."""
from __future__ import annotations

import contextlib
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from quarl.host.console import say as say
from quarl.host.console import shows

_ELSEWHERE, _LEAST = 120, 20        # columns where there is no terminal, and the fewest that a line is wrapped to
_TITLE = 58                         # columns of a stage's title, before its seconds
_INDENT, _GAP = "  ", "   "         # of what stands below a first cell, and between two such


def on_terminal() -> bool:
    """Whether a person looks on, for whom something may move."""
    return shows() and sys.stdout.isatty()


@contextlib.contextmanager
def stage(title: str) -> Iterator[None]:
    """Show that ``title`` is under way, and how long it took."""
    start = time.perf_counter()
    if on_terminal():
        from rich.console import Console
        console = Console()
        with console.status(title, spinner="line" if console.options.ascii_only else "dots"):
            yield
    else:
        yield
    say(_took(title, start))


def _took(title: str, start: float) -> str:
    return "%-*s %6.1f s" % (min(_TITLE, max(width() - 10, _LEAST)), title, time.perf_counter() - start)


@contextlib.contextmanager
def phases(tool: str, names: Sequence[str]) -> Iterator[Callable[[int], None]]:
    """Show how far a tool is: a bar by phase on a terminal, a line a phase elsewhere.

    What is yielded takes an index of ``names``.
    """
    if not on_terminal():
        start = time.perf_counter()
        yield lambda phase: say(_took(f"{tool}: {names[phase]}", start))
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    with Progress(TextColumn(tool + ": {task.description}"), BarColumn(), TimeElapsedColumn()) as bar:
        task = bar.add_task(names[0], total=len(names))
        yield lambda phase: bar.update(task, description=names[phase], completed=phase)
        bar.update(task, description="done", completed=len(names))


def width() -> int:
    """Columns of a line: ``COLUMNS``, or the terminal's, or 120 where there is none."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    if sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return _ELSEWHERE


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], left: int = 1) -> None:
    """Print a table, the first ``left`` columns to the left; as a list where the lines are too short."""
    if not shows():
        return
    say("")
    say(title)
    texts = [[str(cell) for cell in row] for row in rows]
    widest = [max(len(row[index]) for row in (columns, *texts)) for index in range(len(columns))]
    if sum(widest) + 3 * len(columns) + 1 > width():
        for row in texts:
            _list_row(columns, row)
        return
    from rich.console import Console
    from rich.table import Table
    grid = Table()
    for index, column in enumerate(columns):
        grid.add_column(column, justify="left" if index < left else "right", no_wrap=True)
    for cells in texts:
        grid.add_row(*cells)
    Console(width=width(), markup=False).print(grid)


def _list_row(columns: Sequence[str], row: Sequence[str]) -> None:
    """A row below its first cell, which is never cut; what is empty is left out."""
    first, *others = row
    items = [": ".join(filter(None, pair)) for pair in zip(columns[1:], others, strict=True) if pair[1]]
    for line in (*_wrapped(first, ""), *_packed(items)):
        say(line)


def _packed(items: Sequence[str]) -> Iterator[str]:
    """Lines of as many ``items`` as fit, indented."""
    line = ""
    for item in items:
        if line and len(line) + len(_GAP) + len(item) > width():
            yield from _wrapped(line, _INDENT)
            line = ""
        line = f"{line}{_GAP}{item}" if line else f"{_INDENT}{item}"
    if line:
        yield from _wrapped(line, _INDENT)


def _wrapped(line: str, indent: str) -> list[str]:
    return textwrap.wrap(line.strip(), max(width(), _LEAST), initial_indent=indent, subsequent_indent=2 * _INDENT,
                         break_long_words=False, break_on_hyphens=False)
