"""A device for clients on the network: one ROUTER socket, one loop, one owner at a time.

A request is never done while another one is, and a signal ends the loop between two.
"""
from __future__ import annotations

import contextlib
import signal
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, Optional

from quarl.host.devices.interface import Device
from quarl.host.errors import ToolError, UserError
from quarl.host.files import PathLike
from quarl.host.policy import Policy
from quarl.host.remote import address, wire
from quarl.host.remote import keys as keyfiles
from quarl.host.remote.client_keys import Gate
from quarl.host.remote.cpu_core import Core, threads
from quarl.host.remote.protocol import Desk

_TICK_MS = 50           # how long a signal may wait for an idle server
_QUEUE = 16             # frames that ZeroMQ keeps for a client, each way
_FAREWELL_S = 1.0       # for the last answer to arrive, if need be by being asked for again
_DOMAIN = b"quarl"


def serve(policy: Policy, device: Device, bind: str, keys: Optional[PathLike] = None, lease_s: float = 10.0,
          say: Callable[[str], None] = print) -> Dict[str, int]:
    """Open ``device`` and serve it at ``bind``, tcp://HOST:PORT (port 0: a free one), until SIGINT or SIGTERM.

    ``keys`` is the folder of ``quarl keys``; without it anyone may connect, and only loopback will do. A second signal
    interrupts at once. Returns the server's counters. Raises :class:`UserError` and :class:`ToolError`.
    """
    with device, contextlib.closing(Server(policy, device, bind, keys, lease_s, say)) as server:
        with _signals(server.stop):
            say("serving %s (policy %s…) on device %s at %s, %s" % (
                policy.task, policy.hash[:12], device.name, server.address,
                "without keys" if keys is None else "with keys"))
            server.run()
        say("ended after %d inferences" % server.counters["inferences"])
        return server.counters


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """The first SIGINT or SIGTERM calls ``stop``; what a second one does is as before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore(*_: Any) -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def heed(number: int, _: Any) -> None:
        if asked:
            restore()
            signal.raise_signal(number)
        asked.append(number)
        stop()

    asked: List[int] = []
    for number in before:
        signal.signal(number, heed)
    try:
        yield
    finally:
        restore()


class Server:
    """The sockets. ``device`` must be open while :meth:`run` is."""

    def __init__(self, policy: Policy, device: Device, bind: str, keys: Optional[PathLike] = None,
                 lease_s: float = 10.0, say: Callable[[str], None] = print):
        import zmq

        if not address.is_loopback(address.require(bind)) and keys is None:
            raise UserError("a server without keys must listen on loopback", bind,
                            "make keys with `quarl keys DIR` and pass them with --keys DIR")
        if not 0 < lease_s < float("inf"):
            raise UserError("a lease must be a positive number of seconds", lease_s, "leave --lease at 10")
        known = None if keys is None else keyfiles.of_server(keys)
        self._desk, self._stopping = Desk(policy, device, lease_s, say), False
        self.counters = self._desk.counters
        self._context, self._more, self._nothing = zmq.Context(), zmq.SNDMORE, zmq.Again
        before = threads()
        self._socket: Any = self._context.socket(zmq.ROUTER)
        made = threads() - before
        for option, value in ((zmq.LINGER, 0), (zmq.RCVTIMEO, _TICK_MS), (zmq.SNDHWM, _QUEUE), (zmq.RCVHWM, _QUEUE),
                              (zmq.MAXMSGSIZE, wire.Identity.of(policy).frame_bytes), (zmq.HANDSHAKE_IVL, 5000),
                              (zmq.HEARTBEAT_IVL, 2000), (zmq.HEARTBEAT_TIMEOUT, 10000), (zmq.IPV6, "[" in bind)):
            self._socket.setsockopt(option, value)
        if known is not None:
            Gate(self._context, known.clients)
            self._socket.curve_secretkey, self._socket.curve_server = known.own.secret, True
            self._socket.setsockopt(zmq.ZAP_DOMAIN, _DOMAIN)
        try:
            self._socket.bind(bind)
        except zmq.ZMQError as error:
            self.close()
            raise ToolError("the server must be able to listen at its address", "%s at %s" % (error, bind),
                            "choose another address or port, or end the server that is there") from error
        endpoint: Any = self._socket.getsockopt(zmq.LAST_ENDPOINT)
        self.address: str = endpoint.decode().rstrip("\0")
        self._core = Core(self.address)
        self._core.keep(made)

    def stop(self) -> None:
        """Let :meth:`run` return after the request under way. For signal handlers and other threads."""
        self._stopping = True

    def run(self) -> None:
        """Serve until :meth:`stop`. Then tell the owner, and see to it that the last answer arrives."""
        with self._core:
            while not self._stopping:
                self._turn()
            farewell = self._desk.farewell()
            if farewell is not None:
                # TCP throws away the last answer if we hang up on what the owner sends meanwhile.
                self._socket.send_multipart(farewell)
                end = time.monotonic() + _FAREWELL_S
                while time.monotonic() < end:
                    self._turn()
        self._socket.linger = round(_FAREWELL_S * 1000)

    def close(self) -> None:
        """Free the address. Closing twice does nothing."""
        self._socket.close()
        self._context.term()

    def _turn(self) -> None:
        """Take one message, if one comes soon, and answer it."""
        try:
            peer, message = self._socket.recv(), self._socket.recv(copy=False)
        except self._nothing:
            return
        if message.more:
            while message.more:
                message = self._socket.recv(copy=False)
            answer = self._desk.malformed(peer, "a message of several parts")
        else:
            answer = self._desk.answer(peer, message.buffer, lambda: _name(message))
        if answer is not None:
            self._socket.send(peer, self._more)         # never waits: a ROUTER drops what a client does not take
            self._socket.send(answer)


def _name(message: Any) -> str:
    """A client for people: the name of its key, if it has one, and its address."""
    found = ["client"]
    for field in ("User-Id", "Peer-Address"):
        with contextlib.suppress(Exception):                # without keys there is no User-Id
            found.append(message.get(field))
    return " at ".join(found[-2:])
