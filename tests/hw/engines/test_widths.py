"""Widths of numbers, at their limits."""
from __future__ import annotations

import pytest

from quarl.hw.engines.widths import index_bits, signed_bits, whole_bytes


@pytest.mark.parametrize(("count", "bits"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9)])
def test_bits_that_number_things(count: int, bits: int) -> None:
    assert index_bits(count) == bits


@pytest.mark.parametrize(("low", "high", "bits"), [
    (0, 0, 1), (-1, 0, 1), (-1, 1, 2), (-2, 1, 2), (-2, 2, 3), (0, 127, 8), (0, 128, 9), (-128, 0, 8), (-129, 0, 9),
    (3, 5, 4)])
def test_bits_of_twos_complement(low: int, high: int, bits: int) -> None:
    assert signed_bits(low, high) == bits
    assert -(1 << bits - 1) <= low and high < 1 << bits - 1, "all of them fit"


@pytest.mark.parametrize(("bits", "padded"), [(1, 8), (8, 8), (9, 16), (64, 64)])
def test_whole_bytes(bits: int, padded: int) -> None:
    assert whole_bytes(bits) == padded
