"""Look-up tables of the rom engine's dot products, counted bit by bit: what synthesis makes of
hw/engines/mvtu/rtl/mvtu_sum.sv.

A carry chain passes one operand on as it is; the other merges with the adder, one look-up table a bit. A bit needs none
where the row is constantly zero, as with weights that are zero or powers of two, and one does for all channels that add
the same signals. So every signal here is a number: equal numbers are the same signal, 0 is constantly zero.
"""
from __future__ import annotations

import dataclasses

import numpy as np

from quarl.host.content import Content
from quarl.hw.engines.mvtu.design import Design

_RANDOM = np.random.default_rng(0)
_LEFT, _RIGHT, _PLACE = _RANDOM.integers(1, 2**62, (3, 64)) * 2 + 1     # odd, for hashes modulo 2**64
_SUM = np.int64(-2**63)       # marks the number of a sum, as against a function of the rows' inputs


@dataclasses.dataclass(frozen=True, eq=False)
class Rows(Content):
    """The rows that PE channels add.

    ``signals`` int64 [PE, rows, width]; ``given``, numbers of signals that exist anyway; ``low`` and ``high`` int64
    [rows], magnitudes of the least and greatest value that the RTL reckons with.
    """

    signals: np.ndarray
    given: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclasses.dataclass(frozen=True)
class Sums:
    """Look-up tables of the functions that start chains, of the chains' adders and of the tree's; flip-flops."""

    functions: int
    chains: int
    tree: int
    flip_flops: int


def table_rows(design: Design, words: np.ndarray, signed: bool, width: int) -> Rows:
    """Rows of form ``tables`` (hw/engines/mvtu/rtl/mvtu_tables.sv) for weights ``words`` int64 [steps, PE, SIMD]."""
    steps, pe, _ = words.shape
    bits_a_row = 5 - (steps - 1).bit_length()
    place = np.tile(np.arange(design.input_bits), design.simd)
    sign = signed & (place == design.input_bits - 1)
    most = 1 << design.weight_bits - 1
    parts = np.repeat(words, design.input_bits, axis=2) * np.where(sign, -1, 1) << place
    parts = _grouped(parts, bits_a_row)
    patterns = np.arange(2 ** bits_a_row) >> np.arange(bits_a_row)[:, None] & 1
    values = np.moveaxis(parts @ patterns, 0, 2).reshape(pe, design.rows, -1)
    entry = np.arange(values.shape[2])
    tables = np.stack([((values >> b & 1) << entry).sum(axis=2) for b in range(width)], axis=2)
    row = np.arange(1, design.rows + 1)[:, None] << 32
    inputs = ((entry >> np.arange(5)[:, None] & 1) << entry).sum(axis=1)
    return Rows(np.where(tables == 0, 0, tables | row), (inputs | row).ravel(),
                *(_grouped(bound << place, bits_a_row).sum(axis=1) for bound in (most - sign, most - 1 + sign)))


def digit_rows(design: Design, words: np.ndarray, signed: bool, width: int) -> Rows:
    """Rows of form ``digits`` (hw/engines/mvtu/rtl/mvtu_digits.sv) for weights ``words`` int64 [steps, PE, SIMD]."""
    digits = (design.weight_bits + 1) // 2
    place = np.tile(2 * np.arange(digits), design.simd)
    top = place == place[-1]
    found = np.stack([words >> 2 * j & 3 if j < digits - 1 else words >> 2 * j for j in range(digits)], axis=3)
    found = found.reshape(*words.shape[:2], -1)
    low, high = _reach(np.maximum(-found, 0).max(axis=0), np.maximum(found, 0).max(axis=0), design, signed, place)
    even = np.bitwise_or.reduce(found, axis=0) & 1 == 0
    return Rows(_numbers(low, high, place + even, width), np.zeros(0, np.int64),
                *_reach(np.where(top, 2, 0), np.where(top, 1, 3), design, signed, place))


def product_rows(design: Design, channels: int, width: int) -> Rows:
    """Rows of form ``dsp`` (hw/engines/mvtu/rtl/mvtu_dsp.sv), for so many channels."""
    bound = np.full((channels, design.simd), 1 << design.weight_bits + design.input_bits - 1)
    signals = _numbers(bound, bound - 1, np.zeros_like(bound), width)
    return Rows(signals, np.unique(signals), bound[0], bound[0])


def count(rows: Rows, design: Design) -> Sums:
    """What the sums of ``rows`` take in ``design``."""
    chain = design.chain
    signals = np.moveaxis(_grouped(np.moveaxis(rows.signals, 1, 2), chain), 1, 3)      # [PE, chains, chain, width]
    low, high = _grouped(rows.low, chain), _grouped(rows.high, chain)
    widths = np.minimum(_width(low.cumsum(axis=1), high.cumsum(axis=1)), signals.shape[3])
    nodes, plain, chains = signals[:, :, 0], [signals[:, :, 0]], [np.zeros(0, np.int64)]
    for link in range(1, chain):
        nodes, tables = _add(nodes, signals[:, :, link], widths[:, link], rows.given)
        plain.append(nodes)
        chains.append(tables)
    low, high = low.sum(axis=1), high.sum(axis=1)
    tree, flip_flops, level = [np.zeros(0, np.int64)], 0, 0
    while True:
        if design.sum_registers >> level & 1:
            flip_flops += int(np.count_nonzero(np.unique(nodes)))
        if nodes.shape[1] == 1:
            break
        pairs = nodes.shape[1] // 2
        low, high = _paired(low), _paired(high)
        added, tables = _add(nodes[:, :2*pairs:2], nodes[:, 1:2*pairs:2],
                             np.minimum(_width(low, high), nodes.shape[2])[:pairs], rows.given)
        nodes, level = np.concatenate([added, nodes[:, 2*pairs:]], axis=1), level + 1
        tree.append(tables)
    functions = np.setdiff1d(np.concatenate([part.ravel() for part in plain]), rows.given)
    return Sums(int(np.count_nonzero(functions > 0)), len(np.unique(np.concatenate(chains))),
                len(np.unique(np.concatenate(tree))), flip_flops)


def _add(plain: np.ndarray, merged: np.ndarray, widths: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sums of two operands [PE, nodes, width], ``widths`` [nodes] bits wide, and the look-up tables they take."""
    inside = np.arange(plain.shape[2]) < widths[:, None]
    plain, merged = np.where(inside, plain, 0), np.where(inside, merged, 0)
    # Below the lowest bit that both have, the sum is one of them and takes no adder.
    below = (np.cumsum(plain != 0, axis=2) == 0) | (np.cumsum(merged != 0, axis=2) == 0)
    needed = inside & ~below & (merged != 0) & ~((plain == 0) & np.isin(merged, given))
    tables = np.where(plain == 0, merged, plain * _LEFT[0] + merged * _RIGHT[0])[needed]
    bits = plain.shape[2]
    adder = (plain * _LEFT[:bits] + merged * _RIGHT[:bits]).sum(axis=2, keepdims=True)
    total = np.where(below, plain | merged, (adder + _PLACE[:bits]) | _SUM)
    sign = np.take_along_axis(total, np.broadcast_to(widths[:, None] - 1, (*total.shape[:2], 1)), axis=2)
    return np.where(inside, total, sign), tables


def _numbers(low: np.ndarray, high: np.ndarray, zeros: np.ndarray, width: int) -> np.ndarray:
    """Different signals [PE, rows, width] for rows from -low to high with so many low ``zeros``, [PE, rows] each."""
    bit, sign = np.arange(width), np.minimum(_width(low, high), width)[..., None] - 1
    numbers = np.arange(1, low.size * width + 1).reshape(*low.shape, width)
    numbers = np.where(bit > sign, np.take_along_axis(numbers, sign, axis=2), numbers)
    positive, nothing = (low == 0)[..., None], ((low == 0) & (high == 0))[..., None]
    return np.where((bit < zeros[..., None]) | positive & (bit >= sign) | nothing, 0, numbers)


def _reach(down: np.ndarray, up: np.ndarray, design: Design, signed: bool,
           place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Magnitudes of the least and greatest product of a code and a digit from -down to up, ``place`` bits up."""
    most = (1 << design.input_bits - signed) - 1
    least = most + 1 if signed else 0
    return np.maximum(down * most, up * least) << place, np.maximum(up * most, down * least) << place


def _grouped(array: np.ndarray, size: int) -> np.ndarray:
    """The last axis in groups of ``size``, the last one filled up with 0."""
    padded = np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, -array.shape[-1] % size)])
    return padded.reshape(*array.shape[:-1], -1, size)


def _paired(array: np.ndarray) -> np.ndarray:
    return _grouped(array, 2).sum(axis=1)


def _width(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Bits of two's complement from -low to high, as the RTL's own function: int64."""
    return 1 + np.ceil(np.log2(np.maximum(np.where(low > high, low, high + 1), 1))).astype(np.int64)
