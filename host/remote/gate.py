"""Who may connect: ZeroMQ asks (ZAP, RFC 27) about every client's key, and this answers."""
from __future__ import annotations

from typing import Any, Dict

_ADDRESS = "inproc://zeromq.zap.01"


class Gate:
    """Answers for one context, in the thread of whoever calls :meth:`answer` when ``socket`` is readable."""

    def __init__(self, context: Any, clients: Dict[bytes, str]):
        import zmq

        self._clients = clients
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind(_ADDRESS)
        self.refused = 0

    def answer(self) -> None:
        """Let one client in, by the name of its key, or refuse it."""
        _, request, _, _, _, mechanism, *credentials = self.socket.recv_multipart()
        name = self._clients.get(credentials[0]) if mechanism == b"CURVE" else None
        if name is None:
            self.refused += 1
            verdict = (b"400", b"unknown key", b"")
        else:
            verdict = (b"200", b"OK", name.encode())
        self.socket.send_multipart([b"1.0", request, *verdict, b""])
