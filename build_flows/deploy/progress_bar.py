"""What a person sees while episodes are played: a bar on a terminal, plain lines elsewhere."""
from __future__ import annotations

from typing import Any

from quarl.build_flows.console import on_terminal
from quarl.host.loop.progress import Progress


class Live(Progress):
    """Counts ``episodes``; of the one under way shows the return so far and the device's last latency."""

    def __init__(self, episodes: int):
        super().__init__(episodes)
        self.bar: Any = None
        if on_terminal():
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar
            # Drawn when something is told and not by a thread of its own, which would take turns with the loop.
            self.bar = Bar(MofNCompleteColumn(), BarColumn(20), TimeElapsedColumn(),
                           TextColumn("{task.description}"), auto_refresh=False)
            self.task = self.bar.add_task("", total=episodes)
            self.bar.start()

    def show(self, episode: int, line: str) -> None:
        if self.bar is None:
            super().show(episode, line)
            return
        mean = f"mean {self.sum / self.done:.1f}, now " if self.done else ""
        self.bar.update(self.task, description=mean + line, refresh=True)

    def show_end(self, record: dict[str, Any]) -> None:
        if self.bar is None:
            super().show_end(record)
            return
        self.bar.update(self.task, completed=self.done, refresh=True)

    def close(self) -> None:
        """Leave the terminal tidy, and say how to go on with a run that was cut off."""
        if self.bar is not None:
            self.bar.stop()
        super().close()
