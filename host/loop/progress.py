"""What a person sees while episodes are played, in plain lines."""
from __future__ import annotations

import time
from typing import Any, Dict

from quarl.host.console import say
from quarl.host.log.observer import Observer

_PLAIN_S = 10.0       # between two lines of an episode that takes long


class Progress(Observer):
    """Counts ``episodes``; of the one under way tells the return so far and the device's last latency."""

    def __init__(self, episodes: int):
        self.episodes, self.done, self.sum = episodes, 0, 0.0
        self.spoken = time.monotonic()

    def playing(self, episode: int, steps: int, total: float, device_us: float) -> None:
        self.show(episode, "return %g after %d steps, device %.0f us" % (total, steps, device_us))

    def show(self, episode: int, line: str) -> None:
        """Tell of ``episode``, now and then."""
        if time.monotonic() - self.spoken > _PLAIN_S:
            self._say("episode %d: %s" % (episode + 1, line))

    def ended(self, record: Dict[str, Any]) -> None:
        self.done += 1
        self.sum += record["return"]
        self.show_end(record)

    def show_end(self, record: Dict[str, Any]) -> None:
        """Tell of an episode's end."""
        self._say("episode %d of %d: return %g" % (record["episode"] + 1, self.episodes, record["return"]))

    def _say(self, line: str) -> None:
        say(line)
        self.spoken = time.monotonic()

    def close(self) -> None:
        """Say how to go on with a run that was cut off."""
        if 0 < self.done < self.episodes:
            say("%d of %d episodes were played, mean return %.1f; the same command with --resume goes on" % (
                self.done, self.episodes, self.sum / self.done))
