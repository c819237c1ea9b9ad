"""The frames between ``quarl serve`` and a remote device: a fixed little-endian header and a raw payload.

Header, 28 bytes: magic ``QRL1``, version and kind (16 bits each), session and sequence number (64 bits each), payload
length (32 bits). Nothing is pickled or evaluated: the worst that bytes can cause is a :class:`WireError`.
"""
from __future__ import annotations

import dataclasses
import functools
import json
import struct
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from quarl.host.devices.interface import Reply
from quarl.host.errors import ToolError, UserError
from quarl.host.policy import Policy

VERSION = 2
_MAGIC = b"QRL1"
_HEADER = struct.Struct("<4sHHQQI")
HEADER_BYTES = _HEADER.size

# Client to server, each with its answer, and what the server says.
HELLO, STEP, RESET, STATS, BYE, WELCOME, RESULT, DONE, ERROR, ENDING = range(1, 11)

# Codes of an ERROR: whose fault it is, or that the session must say HELLO (again).
FAULT_OF_USER, FAULT_OF_TOOL, NO_SESSION = range(1, 4)

SMALL_PAYLOAD = 4096                # of every frame that holds no steps
_BATCH_BYTES = 65536                # of the observations, or the results, in one frame
_PEER = struct.Struct("<32sIII")
_ACCUMULATOR = np.dtype("<i4")


class WireError(ValueError):
    """Bytes that are no frame of this protocol."""


class Frame(NamedTuple):
    """One message: its kind, whose it is (session, 64 bits), which request (sequence) and what it carries."""

    kind: int
    session: int
    sequence: int
    payload: memoryview


def pack(kind: int, session: int, sequence: int, payload: bytes = b"") -> bytes:
    """A frame as bytes."""
    return _HEADER.pack(_MAGIC, VERSION, kind, session, sequence, len(payload)) + payload


def unpack(data: Union[bytes, memoryview]) -> Frame:
    """The frame in ``data``. Raises :class:`WireError`, and nothing else, for any other bytes."""
    if len(data) < HEADER_BYTES:
        raise WireError("a frame of %d bytes, shorter than its header" % len(data))
    magic, version, kind, session, sequence, length = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise WireError("bytes that do not begin with %s" % _MAGIC.decode())
    if version != VERSION:
        raise WireError("protocol version %d; this side speaks %d" % (version, VERSION))
    if not HELLO <= kind <= ENDING:
        raise WireError("a frame of unknown kind %d" % kind)
    if length != len(data) - HEADER_BYTES:
        raise WireError("a payload of %d bytes where %d were announced" % (len(data) - HEADER_BYTES, length))
    return Frame(kind, session, sequence, memoryview(data)[HEADER_BYTES:])


@dataclasses.dataclass(frozen=True)
class Identity:
    """What client and server must have in common: policy hash, build id, input codes and accumulators of a step."""

    policy_hash: str
    build_id: int
    features: int
    outputs: int

    @classmethod
    def of(cls, policy: Policy) -> "Identity":
        """That of ``policy``."""
        return cls(policy.hash, policy.build_id, policy.features, policy.action.size)

    @property
    def batch(self) -> int:
        """Steps that one frame may hold, at least 1."""
        return max(1, _BATCH_BYTES // max(self.features, 4 + 4 * self.outputs))

    @property
    def frame_bytes(self) -> int:
        """Size of the largest frame that either side has to take."""
        largest = self.batch * max(self.features, 4 + 4 * self.outputs) + _head(0).size
        return HEADER_BYTES + max(SMALL_PAYLOAD, largest)

    def pack(self) -> bytes:
        """The payload of HELLO."""
        return _PEER.pack(bytes.fromhex(self.policy_hash), self.build_id, self.features, self.outputs)

    @classmethod
    def unpack(cls, payload: memoryview) -> "Identity":
        """From the payload of HELLO. Raises :class:`WireError`."""
        _require(len(payload) == _PEER.size, "a HELLO of %d bytes, not %d" % (len(payload), _PEER.size))
        policy_hash, build_id, features, outputs = _PEER.unpack(payload)
        return cls(policy_hash.hex(), build_id, features, outputs)


def pack_results(device_ns: int, replies: Sequence[Reply]) -> bytes:
    """The payload of RESULT: nanoseconds in the device, the cycles of each step (-1: none), then its accumulators."""
    head = _head(len(replies)).pack(device_ns, *[-1 if reply.cycles is None else reply.cycles for reply in replies])
    return head + b"".join([reply.accumulators.astype(_ACCUMULATOR, copy=False).tobytes() for reply in replies])


def unpack_results(payload: memoryview, count: int, outputs: int) -> Tuple[int, List[Optional[int]], np.ndarray]:
    """Device nanoseconds, the cycles of each of ``count`` steps, and accumulators int32 [count, outputs], read-only.

    Raises :class:`WireError`.
    """
    head = _head(count)
    size = head.size + 4 * count * outputs
    if len(payload) != size:
        raise WireError("a RESULT of %d bytes, not %d" % (len(payload), size))
    device_ns, *cycles = head.unpack_from(payload)
    accumulators = np.frombuffer(payload, _ACCUMULATOR, offset=head.size)
    return device_ns, [None if each < 0 else each for each in cycles], accumulators.reshape(count, outputs)


@functools.lru_cache(maxsize=16)
def _head(count: int) -> struct.Struct:
    """The head of a RESULT of ``count`` steps."""
    return struct.Struct("<Q%di" % count)


def pack_error(session: int, sequence: int, error: Union[UserError, ToolError], code: int = 0) -> bytes:
    """An ERROR frame: a code, by default that of the error's class, and the parts of its message, cut to fit."""
    code = code or (FAULT_OF_USER if isinstance(error, UserError) else FAULT_OF_TOOL)
    parts = [part.replace("\0", " ").encode("utf-8", "replace")[:SMALL_PAYLOAD // 4]
             for part in (error.rule, error.found, error.fix)]
    return pack(ERROR, session, sequence, bytes([code]) + b"\0".join(parts))


def unpack_error(payload: memoryview) -> Tuple[int, Union[UserError, ToolError]]:
    """The code of an ERROR and the exception that it stands for. Raises :class:`WireError`."""
    parts = bytes(payload[1:]).decode("utf-8", "replace").split("\0")
    _require(len(payload) > 0 and len(parts) == 3, "an ERROR without a code, rule, value and fix")
    return payload[0], (UserError if payload[0] == FAULT_OF_USER else ToolError)(*parts)


def pack_fields(fields: Dict[str, Any]) -> bytes:
    """The payload of DONE after STATS: one JSON object of numbers and texts."""
    return json.dumps(fields, default=float, separators=(",", ":")).encode()


def unpack_fields(payload: memoryview) -> Dict[str, Any]:
    """From the payload of DONE after STATS. Raises :class:`WireError`."""
    try:
        fields = json.loads(bytes(payload).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WireError("fields that are no JSON") from error
    _require(isinstance(fields, dict), "fields that are no JSON object")
    return dict(fields)


def _require(ok: bool, found: str) -> None:
    if not ok:
        raise WireError(found)
