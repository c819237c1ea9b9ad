"""What a person sees while episodes are played: a bar on a terminal, plain lines elsewhere."""
from __future__ import annotations

import sys
import time
from typing import Any

from build_flows.console import say
from host.observer import Observer

_PLAIN_S = 10.0       # between two plain lines of an episode that takes long


class Live(Observer):
    """Counts ``episodes``; of the one under way shows the return so far and the device's last latency."""

    def __init__(self, episodes: int):
        self.episodes, self.done, self.sum = episodes, 0, 0.0
        self.spoken = time.monotonic()
        self.bar: Any = None
        if sys.stdout.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
            # Drawn when something is told and not by a thread of its own, which would take turns with the loop.
            self.bar = Progress(MofNCompleteColumn(), BarColumn(20), TimeElapsedColumn(),
                                TextColumn("{task.description}"), auto_refresh=False)
            self.task = self.bar.add_task("", total=episodes)
            self.bar.start()

    def playing(self, episode: int, steps: int, total: float, device_us: float) -> None:
        line = f"return {total:g} after {steps} steps, device {device_us:.0f} us"
        if self.bar is not None:
            mean = f"mean {self.sum / self.done:.1f}, now " if self.done else ""
            self.bar.update(self.task, description=mean + line, refresh=True)
        elif time.monotonic() - self.spoken > _PLAIN_S:
            self._say(f"episode {episode + 1}: {line}")

    def ended(self, record: dict[str, Any]) -> None:
        self.done += 1
        self.sum += record["return"]
        if self.bar is not None:
            self.bar.update(self.task, completed=self.done, refresh=True)
        else:
            self._say("episode %d of %d: return %g" % (record["episode"] + 1, self.episodes, record["return"]))

    def _say(self, line: str) -> None:
        say(line)
        self.spoken = time.monotonic()

    def close(self) -> None:
        """Leave the terminal tidy, and say how to go on with a run that was cut off."""
        if self.bar is not None:
            self.bar.stop()
        if 0 < self.done < self.episodes:
            say("%d of %d episodes were played, mean return %.1f; the same command with --resume goes on" % (
                self.done, self.episodes, self.sum / self.done))
