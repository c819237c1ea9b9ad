"""How far Vivado is: a bar by phase on a terminal, a line a phase elsewhere."""
from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from build_flows.console import say
from hw.vivado.log import PHASES


@contextlib.contextmanager
def phases() -> Iterator[Callable[[int], None]]:
    """Show the phases of a replay; what is yielded takes an index of ``PHASES``."""
    if not sys.stdout.isatty():
        start = time.perf_counter()
        yield lambda phase: say("Vivado: %-50s %6.1f s" % (PHASES[phase], time.perf_counter() - start))
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    with Progress(TextColumn("Vivado: {task.description}"), BarColumn(), TimeElapsedColumn()) as bar:
        task = bar.add_task(PHASES[0], total=len(PHASES))
        yield lambda phase: bar.update(task, description=PHASES[phase], completed=phase)
        bar.update(task, description="done", completed=len(PHASES))
