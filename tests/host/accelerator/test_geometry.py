import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quarl.host.accelerator.geometry import Stream


@st.composite
def streams(draw):
    """Streams of every shape: lanes that fill a beat, and beats with padding of bits and of whole bytes."""
    lanes, signed = draw(st.integers(1, 9)), draw(st.booleans())
    bits = draw(st.integers(1, 32 if signed else 31))
    width = (lanes * bits + 7) // 8 * 8 + 8 * draw(st.integers(0, 2))
    return Stream(draw(st.integers(1, 6)), lanes, bits, width, signed)


def naive_pack(stream, values):
    """One frame as bytes, from Python ints."""
    frame = b""
    for beat in range(stream.beats):
        word = 0
        for lane in range(stream.lanes):
            word |= (values[beat * stream.lanes + lane] & (2 ** stream.bits - 1)) << (lane * stream.bits)
        frame += word.to_bytes(stream.width // 8, "little")
    return frame


@settings(max_examples=200, deadline=None)
@given(streams(), st.integers(1, 3), st.integers(0, 2 ** 32 - 1))
@example(Stream(1, 1, 1, 8, True), 1, 0)
@example(Stream(1, 1, 32, 32, True), 2, 1)
@example(Stream(3, 5, 3, 24, False), 2, 2)
def test_pack_and_unpack(stream, count, seed):
    low, high = (-2 ** (stream.bits - 1), 2 ** (stream.bits - 1)) if stream.signed else (0, 2 ** stream.bits)
    rng = np.random.default_rng(seed)
    values = rng.integers(low, high, (count, stream.beats * stream.lanes)).astype(np.int32)
    values[0, 0], values[-1, -1] = low, high - 1
    frames = stream.pack(values)
    assert frames.dtype == np.uint8 and frames.shape == (count, stream.frame_bytes)
    view = stream.view(frames[0])
    assert (view is not None) == (stream.bits in (8, 16, 32) and stream.lanes * stream.bits == stream.width)
    assert view is None or np.array_equal(view, values[0])
    assert [row.tobytes() for row in frames] == [naive_pack(stream, row) for row in values.tolist()]
    back = stream.unpack(frames)
    assert back.dtype == np.int32 and np.array_equal(back, values)


@settings(max_examples=60, deadline=None)
@given(streams(), st.integers(0, 2 ** 32 - 1))
def test_unpack_ignores_padding(stream, seed):
    frames = np.random.default_rng(seed).integers(0, 256, (2, stream.frame_bytes)).astype(np.uint8)
    values = stream.unpack(frames)
    assert np.array_equal(stream.unpack(stream.pack(values)), values)


def test_the_bits_of_an_example():
    stream = Stream(beats=2, lanes=3, bits=5, width=24)
    frame = stream.pack(np.array([1, 2, 3, -1, -16, 15], np.int8))
    first = 0b00011_00010_00001               # lane 0 in the lowest bits, beat 0 first, padding zero
    second = 0b01111_10000_11111
    assert frame.tolist() == [[first & 255, first >> 8, 0, second & 255, second >> 8, 0]]
    assert stream.unpack(frame).tolist() == [[1, 2, 3, -1, -16, 15]]


def test_unsigned_lanes_have_no_sign():
    signed, unsigned = Stream(1, 2, 4, 8), Stream(1, 2, 4, 8, signed=False)
    frame = np.array([[0xF8]], np.uint8)
    assert signed.unpack(frame).tolist() == [[-8, -1]]
    assert unsigned.unpack(frame).tolist() == [[8, 15]]


def test_one_frame_may_be_flat():
    stream = Stream(2, 2, 8, 16)
    frame = stream.pack(np.array([1, -2, 3, -4], np.int8))
    assert frame.shape == (1, 4)
    assert stream.unpack(frame[0]).tolist() == [[1, -2, 3, -4]]


@pytest.mark.parametrize("stream, beat_bytes, frame_bytes, words", [
    (Stream(1, 1, 4, 8), 1, 1, 1), (Stream(4, 1, 8, 8), 1, 4, 1), (Stream(5, 1, 8, 8), 1, 5, 2),
    (Stream(3, 2, 11, 24), 3, 9, 3), (Stream(2, 1, 20, 32), 4, 8, 2)])
def test_sizes(stream, beat_bytes, frame_bytes, words):
    assert (stream.beat_bytes, stream.frame_bytes, stream.words) == (beat_bytes, frame_bytes, words)
