"""Who may connect: ZeroMQ asks (ZAP, RFC 27) about every client's key, and this answers."""
from __future__ import annotations

import threading
from typing import Any, Dict

_ADDRESS = "inproc://zeromq.zap.01"


class Gate:
    """Answers for ``context`` until that is terminated, in a thread of its own, which else waits."""

    def __init__(self, context: Any, clients: Dict[bytes, str]):
        import zmq

        self._clients = clients
        self._socket = context.socket(zmq.REP)
        self._socket.linger = 0
        self._socket.bind(_ADDRESS)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        import zmq

        try:
            while True:
                self._answer(*self._socket.recv_multipart())
        except zmq.ContextTerminated:
            self._socket.close()

    def _answer(self, version: bytes, request: bytes, domain: bytes, address: bytes, identity: bytes,
                mechanism: bytes, *credentials: bytes) -> None:
        """Let one client in, under the name of its key, or refuse it."""
        name = self._clients.get(credentials[0]) if mechanism == b"CURVE" else None
        verdict = (b"400", b"unknown key", b"") if name is None else (b"200", b"OK", name.encode())
        self._socket.send_multipart([version, request, *verdict, b""])
