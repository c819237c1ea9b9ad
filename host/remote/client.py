"""A device behind ``quarl serve``, somewhere on the network."""
from __future__ import annotations

import contextlib
import os
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np

from quarl.host.devices.interface import Device, Reply, check_codes, closed
from quarl.host.errors import ToolError, UserError
from quarl.host.files import PathLike
from quarl.host.policy import Policy
from quarl.host.remote import keys as keyfiles
from quarl.host.remote import wire
from quarl.host.remote.address import is_loopback, require
from quarl.host.remote.cpu_core import Core

_FAREWELL_S = 1.0       # for the server's answer when we leave
_FAILURES = 3           # handshakes that fail one after the other before a server's key is taken for the wrong one


class RemoteDevice(Device):
    """The policy on a server at ``address``, tcp://HOST:PORT; ``keys`` is a folder of ``quarl keys``, None for none.

    A request is sent again every ``retry_s`` seconds, under the same sequence number, so that it is done only once;
    after ``timeout_s`` without an answer it is a :class:`ToolError`. A server that restarts meanwhile is found again.
    """

    name = "remote"

    def __init__(self, policy: Policy, address: str, keys: Optional[PathLike] = None, timeout_s: float = 10.0,
                 retry_s: float = 0.25):
        self.policy, self.address = policy, require(address)
        self._keys, self._timeout_s, self._retry_s = keys, timeout_s, retry_s
        self._ours = wire.Identity.of(policy)
        self._context: Any = None
        self._core = Core(address, is_loopback(address))
        self._session = self._sequence = 0

    def open(self) -> None:
        import zmq

        if self._context is not None:
            return
        known = keyfiles.of_client(self._keys) if self._keys is not None else None
        self._session, self._sequence = int.from_bytes(os.urandom(8), "little"), 0
        self._context, self._nothing = zmq.Context(), zmq.Again
        try:
            with self._core:                        # ZeroMQ's threads stay where they are made
                self._socket = self._context.socket(zmq.DEALER)
            retry_ms = max(1, round(self._retry_s * 1000))
            # IMMEDIATE: nothing is queued for a server that is not there, so nothing old arrives when it is.
            for option, value in ((zmq.LINGER, 0), (zmq.IMMEDIATE, 1), (zmq.SNDTIMEO, retry_ms),
                                  (zmq.RCVTIMEO, retry_ms), (zmq.MAXMSGSIZE, self._ours.frame_bytes),
                                  (zmq.RECONNECT_IVL, 20), (zmq.RECONNECT_IVL_MAX, 500),
                                  (zmq.HEARTBEAT_IVL, 2000), (zmq.HEARTBEAT_TIMEOUT, 10000),
                                  (zmq.IPV6, "[" in self.address)):
                self._socket.setsockopt(option, value)
            if known is not None:
                self._socket.curve_publickey, self._socket.curve_secretkey = known.own
                self._socket.curve_serverkey = known.server
            self._monitor = self._socket.get_monitor_socket()
            self._failures, self._state = 0, "nobody listens"
            self._socket.connect(self.address)
            self._hello(time.monotonic() + self._timeout_s)
        except BaseException:
            self._drop()
            raise

    def step(self, codes: np.ndarray) -> Reply:
        check_codes(self.policy, codes)
        accumulators, cycles, network_ns = self._steps(codes, 1)
        return Reply(accumulators[0], cycles[0], network_ns)

    def step_many(self, codes: np.ndarray) -> List[Reply]:
        check_codes(self.policy, codes, batch=True)
        replies: List[Reply] = []
        while len(replies) < len(codes):
            some = codes[len(replies):len(replies) + self._ours.batch]
            accumulators, cycles, network_ns = self._steps(some, len(some))
            replies += [Reply(row, each, network_ns) for row, each in zip(accumulators, cycles)]
        return replies

    def _steps(self, codes: np.ndarray, count: int) -> Tuple[np.ndarray, List[Optional[int]], int]:
        """Accumulators int32 [count, out] and cycles of each of ``count`` steps, and a step's time on the network."""
        start = time.perf_counter_ns()
        payload = self._ask(wire.STEP, codes.tobytes())
        device_ns, cycles, accumulators = self._read(wire.unpack_results, payload, count, self._ours.outputs)
        return accumulators, cycles, max(0, time.perf_counter_ns() - start - device_ns) // count

    def reset(self) -> None:
        self._ask(wire.RESET)

    def stats(self) -> Dict[str, Any]:
        return dict(self._read(wire.unpack_fields, self._ask(wire.STATS)))

    def close(self) -> None:
        if self._context is not None:
            with contextlib.suppress(ToolError, UserError):     # a server that is gone has nobody to take leave of
                self._ask(wire.BYE, timeout_s=min(self._timeout_s, _FAREWELL_S))
            self._drop()

    def _drop(self) -> None:
        self._context.destroy(linger=0)
        self._context = None
        self._core.release()

    def _hello(self, deadline: float) -> None:
        """Get the device, or raise the server's reason why not."""
        self._sequence += 1
        answer = self._exchange(wire.pack(wire.HELLO, self._session, self._sequence, self._ours.pack()),
                                self._sequence, deadline)
        if answer.kind == wire.ERROR:
            raise self._read(wire.unpack_error, answer.payload)[1]

    def _ask(self, kind: int, payload: bytes = b"", timeout_s: Optional[float] = None) -> memoryview:
        """Have one request done, once, however often it must be sent: the payload of the answer.

        Raises the server's error, or :class:`ToolError` where none answers in time.
        """
        if self._context is None:
            raise closed()
        self._sequence += 1
        sequence, deadline = self._sequence, time.monotonic() + (timeout_s or self._timeout_s)
        frame = wire.pack(kind, self._session, sequence, payload)
        self._core.hold()
        while True:
            answer = self._exchange(frame, sequence, deadline)
            if answer.kind != wire.ERROR:
                return answer.payload
            code, error = self._read(wire.unpack_error, answer.payload)
            if code != wire.NO_SESSION or kind == wire.BYE:
                raise error
            self._hello(deadline)                   # the server is a new one, or gave the device to another meanwhile

    def _exchange(self, frame: bytes, sequence: int, deadline: float) -> wire.Frame:
        """Send ``frame`` until there is an answer to it. Raises :class:`ToolError` at ``deadline``."""
        while True:
            again = time.monotonic() + self._retry_s
            try:
                self._socket.send(frame)
                while True:
                    answer = self._receive()
                    if answer is not None and answer.sequence == sequence:
                        return answer
                    if time.monotonic() > again:        # nothing but other answers
                        break
            except self._nothing:
                pass
            self._look()
            if time.monotonic() > deadline:
                raise ToolError("the server must answer within its time", "%s at %s" % (self._state, self.address),
                                "start `quarl serve` there, and look at its output and at the firewall")

    def _receive(self) -> Optional[wire.Frame]:
        """The next frame, if it is an answer to this session. Raises ``zmq.Again`` where none comes."""
        try:
            answer = wire.unpack(self._socket.recv())
        except wire.WireError:
            return None
        return answer if answer.session == self._session and answer.kind != wire.ENDING else None

    def _look(self) -> None:
        """What became of the connection. Raises :class:`UserError` where the keys do not fit."""
        import zmq
        from zmq.utils.monitor import parse_monitor_message

        while self._monitor.poll(0):
            event = parse_monitor_message(self._monitor.recv_multipart())["event"]
            if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                raise self._strangers("a refusal by", "copy the client's public key into clients/ of the server's "
                                                      "keys, and start the server again")
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._failures, self._state = 0, "no answer"
            elif event == zmq.EVENT_CLOSED:
                self._state = "nobody listens"
            elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                self._failures, self._state = self._failures + 1, "a failed handshake"
            # A server that stops may break off one handshake, but after a wrong protocol ZeroMQ tries no more.
            if self._failures >= _FAILURES or event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
                raise self._strangers("a failed handshake with", "pass the folder of the keys with --keys"
                                      if self._keys is None else
                                      "copy server.public from the server's keys, or leave out --keys if it has none")

    def _strangers(self, found: str, fix: str) -> UserError:
        return UserError("client and server must have each other's keys", "%s %s" % (found, self.address), fix)

    @staticmethod
    def _read(parse: Callable[..., Any], *parts: Any) -> Any:
        try:
            return parse(*parts)
        except wire.WireError as error:
            raise ToolError("the server's answer must be whole", error,
                            "use the same version of quarl on both sides") from error
