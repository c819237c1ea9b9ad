"""Whose the device is: one owner at a time, for as long as it does not fall silent."""
from __future__ import annotations

import time
from collections import OrderedDict
from typing import Callable, Optional

from quarl.host.errors import ToolError

_FORMER = 16            # owners who lost the device and may come back


class Owner:
    """A session that holds the device: its name for people, where it answers (peer), its last request and the answer.

    The answer is kept as bytes, to be sent again for the same sequence number. Whoever just got the device has no
    peer yet.
    """

    def __init__(self, session: int, name: str):
        self.session, self.name = session, name
        self.since = self.seen = 0.0
        self.peer, self.sequence, self.answer = b"", 0, b""


class Lease:
    """Gives the device to the session that asks first. ``seconds`` of silence later another may have it.

    An owner who lost it that way finds its last answer again when it comes back, so that a request which it repeats
    is still not done twice.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic):
        self.seconds, self._clock = seconds, clock
        self.owner: Optional[Owner] = None
        self._former: "OrderedDict[int, Owner]" = OrderedDict()

    def take(self, session: int, name: Callable[[], str]) -> Owner:
        """The owner that ``session`` is, now; ``name()`` is asked for a new one.

        Raises :class:`ToolError` while another one holds the device.
        """
        owner, now = self.owner, self._clock()
        if owner is None or owner.session != session:
            if owner is not None and now - owner.seen <= self.seconds:
                raise ToolError("the device must be free",
                                "busy, held by %s for %.0f s" % (owner.name, now - owner.since),
                                "wait until that run ends; after %g s of silence it loses the device" % self.seconds)
            self._retire()
            owner = self.owner = self._former.pop(session, None) or Owner(session, name())
            owner.since, owner.peer = now, b""
        owner.seen = now
        return owner

    def _retire(self) -> None:
        if self.owner is not None:
            self._former[self.owner.session] = self.owner
            if len(self._former) > _FORMER:
                self._former.popitem(last=False)

    def held(self, session: int) -> Optional[Owner]:
        """The owner, if that is ``session``, and its time begins anew."""
        owner = self.owner
        if owner is None or owner.session != session:
            return None
        owner.seen = self._clock()
        return owner

    def release(self) -> None:
        """The device is free."""
        self.owner = None
