"""What can look on while episodes are played: a display, a table, another program's log."""
from __future__ import annotations

from typing import Any, Dict


class Observer:
    """Told by the runner what happens. The methods here do nothing."""

    def playing(self, episode: int, steps: int, total: float, device_us: float) -> None:
        """Up to ten times a second: the episode's steps and return so far, and what the device took last.

        Not told in a run that keeps a rate, which must not be late for it.
        """
        return None

    def ended(self, record: Dict[str, Any]) -> None:
        """An episode has ended: its record in the log. A resumed run first tells of those that it had played."""
        return None

    def close(self) -> None:
        """Nothing more will come."""
        return None
