"""What a server answers to a frame: everything of the protocol but its sockets."""
from __future__ import annotations

import time
from typing import Callable, Optional, Tuple, Union

import numpy as np

from quarl.host.devices.interface import Device
from quarl.host.errors import ToolError, UserError
from quarl.host.policy import Policy
from quarl.host.remote import wire
from quarl.host.remote.lease import Lease, Owner
from quarl.host.remote.limits import ErrorBudget


class Desk:
    """Lets one client at a time use ``device``, which holds ``policy``, and counts what happens in ``counters``."""

    def __init__(self, policy: Policy, device: Device, lease_s: float, say: Callable[[str], None],
                 clock: Callable[[], float] = time.monotonic):
        self._device, self._ours, self._say = device, wire.Identity.of(policy), say
        self._codes, self._ending = np.dtype(np.uint8 if policy.pixels else np.int8), False
        self._features, self._batch = self._ours.features, self._ours.batch
        self._lease, self._budget = Lease(lease_s, clock), ErrorBudget(clock=clock)
        self.counters = dict.fromkeys(("inferences", "sessions", "repeated", "outdated", "malformed", "refused"), 0)

    def answer(self, peer: bytes, data: Union[bytes, memoryview], name: Callable[[], str]) -> Optional[bytes]:
        """The frame to send to ``peer`` for the bytes that came from there, None for silence.

        ``name`` is asked who a new client is.
        """
        try:
            frame = wire.unpack(data)
            return self._welcome(peer, frame, name) if frame.kind == wire.HELLO else self._serve(peer, frame)
        except wire.WireError as error:
            return self.malformed(peer, str(error))

    def malformed(self, peer: bytes, found: str) -> Optional[bytes]:
        """The answer to bytes that are no frame."""
        self.counters["malformed"] += 1
        return self._explain(peer, 0, 0, ToolError("a frame must be one of quarl's protocol", found,
                                                   "use the same version of quarl on both sides"))

    def farewell(self) -> Optional[Tuple[bytes, bytes]]:
        """From now on only repeat answers. The owner's address and what to send there; None without an owner."""
        self._ending, owner = True, self._lease.owner
        return None if owner is None else (owner.peer, wire.pack(wire.ENDING, owner.session, owner.sequence))

    def _explain(self, peer: bytes, session: int, sequence: int, error: Union[UserError, ToolError],
                 code: int = 0) -> Optional[bytes]:
        """An error for someone who does not hold the device, unless he gets too many."""
        return wire.pack_error(session, sequence, error, code) if self._budget.spend(peer) else None

    def _serve(self, peer: bytes, frame: wire.Frame) -> Optional[bytes]:
        """The answer to a request: a new one, or the same bytes again for one that was done before."""
        owner = self._lease.held(frame.session)
        if owner is None:
            return self._explain(peer, frame.session, frame.sequence, ToolError(
                "a session must hold the device", "one that does not", "open the device again"), wire.NO_SESSION)
        if frame.sequence < owner.sequence:
            self.counters["outdated"] += 1
            return None
        if frame.sequence == owner.sequence:
            self.counters["repeated"] += 1
            return owner.answer or None
        if self._ending:
            return None
        answer = self._request(frame)
        owner.peer, owner.sequence, owner.answer = peer, frame.sequence, answer
        if frame.kind == wire.BYE:
            self._say("%s has left" % owner.name)
            self._lease.release()
        return answer

    def _welcome(self, peer: bytes, frame: wire.Frame, name: Callable[[], str]) -> Optional[bytes]:
        """Give the device to a client that has the same policy."""
        if self._ending:
            return None
        theirs = wire.Identity.unpack(frame.payload)
        try:
            self._compare(theirs)
            owner = self._lease.take(frame.session, name)
            if not owner.peer:
                self._begin(owner)
        except (UserError, ToolError) as error:
            self.counters["refused"] += 1
            return self._explain(peer, frame.session, frame.sequence, error)
        owner.peer = peer
        return wire.pack(wire.WELCOME, frame.session, frame.sequence)

    def _compare(self, theirs: wire.Identity) -> None:
        """Raises :class:`UserError` naming what differs."""
        ours = self._ours
        shape = "%d codes in, %d accumulators out"
        for rule, mine, other in (
                ("the policy must have the geometry of the one that is served, %s",
                 shape % (ours.features, ours.outputs), shape % (theirs.features, theirs.outputs)),
                ("the policy must be the one that is served, hash %s…", ours.policy_hash[:12], theirs.policy_hash[:12]),
                ("the build id must be that of the server, %s", "0x%08x" % ours.build_id, "0x%08x" % theirs.build_id)):
            if mine != other:
                raise UserError(rule % mine, other, "run the policy that is served, or serve the one that is run")

    def _begin(self, owner: Owner) -> None:
        """A new owner finds the device as if just opened."""
        try:
            self._device.reset()
        except BaseException:
            self._lease.release()
            raise
        self.counters["sessions"] += 1
        self._say("%s has the device" % owner.name)

    def _request(self, frame: wire.Frame) -> bytes:
        """Do what the owner asks. Whatever the device raises is an answer too, and the server goes on."""
        kind, payload = wire.DONE, b""
        try:
            if frame.kind == wire.STEP:
                kind, payload = wire.RESULT, self._step(frame.payload)
            elif frame.kind == wire.STATS:
                payload = wire.pack_fields(self._device.stats())
            elif frame.kind == wire.RESET:
                self._device.reset()
            elif frame.kind != wire.BYE:
                raise wire.WireError("a frame of kind %d from a client" % frame.kind)
        except wire.WireError:
            raise
        except Exception as error:
            if not isinstance(error, (UserError, ToolError)):
                error = ToolError("the served device must do its part", "%s: %s" % (type(error).__name__, error),
                                  "report this device's fault")
            return wire.pack_error(frame.session, frame.sequence, error)
        return wire.pack(kind, frame.session, frame.sequence, payload)

    def _step(self, payload: memoryview) -> bytes:
        count, rest = divmod(len(payload), self._features)
        if rest or not 1 <= count <= self._batch:
            raise wire.WireError("%d input codes, not %d for each of 1 to %d steps"
                                 % (len(payload), self._features, self._batch))
        codes = np.frombuffer(payload, self._codes)
        self.counters["inferences"] += count
        start = time.perf_counter_ns()
        replies = [self._device.step(codes)] if count == 1 else self._device.step_many(codes.reshape(count, -1))
        return wire.pack_results(time.perf_counter_ns() - start, replies)
