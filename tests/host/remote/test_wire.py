"""The frames on the wire: what is packed comes back, and other bytes are nothing worse than a WireError."""
import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarl.host.devices.interface import Reply
from quarl.host.errors import ToolError, UserError
from quarl.host.remote import wire
from tests.host.helpers import make_policy

WORD = st.integers(0, 2 ** 64 - 1)
KIND = st.integers(wire.HELLO, wire.ENDING)


@given(KIND, WORD, WORD, st.binary(max_size=300))
def test_a_frame_comes_back(kind, session, sequence, payload):
    data = wire.pack(kind, session, sequence, payload)
    assert len(data) == wire.HEADER_BYTES + len(payload) == 28 + len(payload)
    assert wire.unpack(data) == (kind, session, sequence, payload)


@given(KIND, WORD, WORD, st.binary(max_size=60), st.data())
def test_a_cut_or_lengthened_frame_is_refused(kind, session, sequence, payload, data):
    frame = wire.pack(kind, session, sequence, payload)
    with pytest.raises(wire.WireError):
        wire.unpack(frame[:data.draw(st.integers(0, len(frame) - 1))])
    with pytest.raises(wire.WireError, match=rf"^a payload of {len(payload) + 3} bytes where {len(payload)} were ann"):
        wire.unpack(frame + b"abc")


PARSERS = [wire.unpack, wire.Identity.unpack, wire.unpack_error, wire.unpack_fields,
           lambda payload: wire.unpack_results(payload, 2, 3)]


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=60).map(lambda b: b"QRL1\x02\0" + b)))
def test_random_bytes_are_at_worst_a_wire_error(data):
    for parse in PARSERS:
        with contextlib.suppress(wire.WireError):
            parse(memoryview(data))


def test_deep_json_is_a_wire_error():
    with pytest.raises(wire.WireError, match=r"^fields that are no JSON"):
        wire.unpack_fields(memoryview(b"[" * 200000))


@pytest.mark.parametrize(("change", "message"), [
    ((0, b"X"), "bytes that do not begin with QRL1"), ((4, b"\1"), "protocol version 1; this side speaks 2"),
    ((6, b"\0"), "a frame of unknown kind 0"), ((6, b"\x0b"), "a frame of unknown kind 11"),
    ((7, b"\1"), "a frame of unknown kind 258")])
def test_another_header_is_refused(change, message):
    data, (at, byte) = bytearray(wire.pack(wire.STEP, 1, 2, b"abcd")), change
    data[at:at + 1] = byte
    with pytest.raises(wire.WireError) as caught:
        wire.unpack(bytes(data))
    assert str(caught.value) == message


def test_the_layout_never_changes_within_a_version():
    assert wire.pack(wire.STEP, 0x1122334455667788, 3, b"\x05\xff").hex() == (
        "51524c31" "0200" "0200" "8877665544332211" "0300000000000000" "02000000" "05ff")


def test_identity_comes_back():
    ours = wire.Identity.of(make_policy())
    assert (ours.features, ours.outputs, ours.build_id) == (2, 2, int(ours.policy_hash[:8], 16))
    assert wire.Identity.unpack(memoryview(ours.pack())) == ours


@pytest.mark.parametrize(("features", "outputs", "batch"), [(4, 2, 5461), (376, 17, 174), (84 * 84 * 4, 18, 2),
                                                            (10 ** 6, 2, 1)])
def test_a_frame_holds_its_batch(features, outputs, batch):
    identity = wire.Identity("ab" * 32, 1, features, outputs)
    replies = [Reply(np.zeros(outputs, np.int32), 1)] * batch
    assert identity.batch == batch
    assert max(features * batch, len(wire.pack_results(1, replies))) + wire.HEADER_BYTES <= identity.frame_bytes


@given(st.integers(0, 2 ** 63), st.lists(st.one_of(st.none(), st.integers(0, 2 ** 31 - 1)), min_size=1, max_size=5),
       st.integers(1, 4), st.integers(0, 2 ** 32 - 1))
def test_results_come_back(device_ns, cycles, outputs, seed):
    rows = np.random.default_rng(seed).integers(-2 ** 31, 2 ** 31, (len(cycles), outputs)).astype(np.int32)
    payload = wire.pack_results(device_ns, [Reply(row, each) for row, each in zip(rows, cycles, strict=True)])
    found_ns, found_cycles, found = wire.unpack_results(memoryview(payload), len(cycles), outputs)
    assert (found_ns, found.dtype) == (device_ns, np.int32)
    assert found_cycles == cycles
    assert np.array_equal(found, rows)
    with pytest.raises(wire.WireError, match=r"^a RESULT of "):
        wire.unpack_results(memoryview(payload), len(cycles) + 1, outputs)


@given(st.sampled_from([UserError, ToolError]), st.text(), st.text(max_size=3000), st.text())
def test_errors_come_back_whole_or_cut(kind, rule, found, fix):
    frame = wire.unpack(wire.pack_error(5, 6, kind(rule, found, fix)))
    code, error = wire.unpack_error(frame.payload)
    assert (frame.kind, frame.session, frame.sequence) == (wire.ERROR, 5, 6)
    assert type(error) is kind and code == (wire.FAULT_OF_USER if kind is UserError else wire.FAULT_OF_TOOL)
    assert len(frame.payload) <= wire.SMALL_PAYLOAD
    if "\0" not in rule + found + fix and max(map(len, (rule, found, fix))) < 250:
        assert (error.rule, error.found, error.fix) == (rule, found, fix)


def test_numpy_numbers_are_fields():
    payload = wire.pack_fields({"inferences": np.int64(3), "temperature_c": np.float32(40.5), "device": "x"})
    assert wire.unpack_fields(memoryview(payload)) == {"inferences": 3, "temperature_c": 40.5, "device": "x"}
