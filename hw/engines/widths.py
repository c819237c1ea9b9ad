"""Widths of numbers in hardware."""
from __future__ import annotations


def index_bits(count: int) -> int:
    """Bits that number ``count`` things."""
    return (count - 1).bit_length()


def signed_bits(low: int, high: int) -> int:
    """Bits of the smallest two's complement number that holds all from ``low`` to ``high``."""
    return 1 + max(high, -low - 1, 0).bit_length()


def whole_bytes(bits: int) -> int:
    """``bits`` rounded up to bytes, as AXI-Stream wants its beats."""
    return -(-bits // 8) * 8
