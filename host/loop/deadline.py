"""A loop that must keep a rate: its steps begin on the ticks of a clock."""
from __future__ import annotations

import time

_POLL = 200_000      # ns before a tick from which the clock is polled: a sleeping Linux wakes up to this much too late
_GRACE = 20_000      # ns after a tick in which a step that was ready still counts as begun on it


class Deadline:
    """Ticks at ``hz``. A step is late where all the work of the step before it was not done at its tick.

    A late step begins at once; the one after it on the first tick that then comes, so a slow step delays no others.
    """

    def __init__(self, hz: float):
        self.period = round(1e9 / hz)
        self.restart()

    def restart(self) -> None:
        """Begin the ticks anew at the next step: what an environment's reset takes makes no step late."""
        self._tick = -1

    def wait(self) -> int:
        """Wait for the next tick. Returns the step's lateness in ns; negative is the time that there was to spare."""
        now = time.perf_counter_ns()
        if self._tick < 0:
            self._tick = now
        late = now - self._tick
        if late < 0:
            if late < -_POLL:
                time.sleep((-late - _POLL) / 1e9)
            while now < self._tick:
                now = time.perf_counter_ns()
            if now - self._tick > _GRACE:                # the machine was not there in time
                late = now - self._tick
        self._tick += (now - self._tick) // self.period * self.period + self.period
        return late
