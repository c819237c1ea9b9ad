"""How often the server answers what it does not have to answer."""
from __future__ import annotations

import time
from collections import OrderedDict
from typing import Callable, Tuple

_PEERS = 256


class ErrorBudget:
    """Allows each peer ``burst`` error replies at once and ``rate`` a second after that, so floods stay one-sided.

    Remembers the latest 256 peers, however many come.
    """

    def __init__(self, rate: float = 5.0, burst: float = 5.0, clock: Callable[[], float] = time.monotonic):
        self._rate, self._burst, self._clock = rate, burst, clock
        self._peers: "OrderedDict[bytes, Tuple[float, float]]" = OrderedDict()

    def spend(self, peer: bytes) -> bool:
        """Whether ``peer`` may be sent one error more, now."""
        now = self._clock()
        left, then = self._peers.pop(peer, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._rate)
        allowed = left >= 1
        self._peers[peer] = (left - 1 if allowed else left, now)
        if len(self._peers) > _PEERS:
            self._peers.popitem(last=False)
        return allowed
