"""The factored thresholds against the table itself, a linear program and exhaustive search."""
from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from quarl.hw.engines.mvtu.affine import Affine, factor

Case = tuple[np.ndarray, np.ndarray, np.ndarray]         # thresholds, low, high


def assert_equal(found: Affine, table: np.ndarray, low: np.ndarray | int, high: np.ndarray | int) -> None:
    """Every code of every channel, on every accumulator; and the order and the size of the thresholds."""
    values = []
    ends = (np.broadcast_to(end, len(table)) for end in (low, high))
    for row, bias, least, most in zip(table, found.bias, *ends, strict=True):
        acc = np.arange(least, most + 1)
        value = acc * 2 ** found.fraction + bias
        np.testing.assert_array_equal(value[:, None] >= found.thresholds, acc[:, None] >= row)
        values.append(value)
    assert found.bias.dtype == found.thresholds.dtype == np.int64
    assert found.bias.shape == (len(table),) and found.thresholds.shape == table.shape[1:]
    assert (np.diff(found.thresholds) >= 0).all()
    everything = np.concatenate(values)
    assert ((everything.min() <= found.thresholds) & (found.thresholds <= everything.max() + 1)).all()


def slack(table: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """The largest t <= 1 so that real u, v satisfy T - 1 + t <= u - v <= T where these bounds are asked for.

    There is a real solution if t is positive, and one with F fractional bits if t is at least 2**-F.
    """
    channels, levels = table.shape
    rows, right = [], []
    for c, k in np.ndindex(table.shape):
        row = np.zeros(channels + levels + 1)
        row[c], row[channels + k] = -1, 1
        if table[c, k] <= high[c]:
            rows.append(row)
            right.append(max(table[c, k], low[c]))
        if table[c, k] > low[c]:
            row = -row
            row[-1] = 1
            rows.append(row)
            right.append(1 - min(table[c, k], high[c] + 1))
    cost = np.zeros(channels + levels + 1)
    cost[-1] = -1
    result = linprog(cost, np.array(rows), right, bounds=[(None, None)] * (channels + levels) + [(None, 1)])
    assert result.status == 0
    return float(result.x[-1])


def possible(table: np.ndarray, low: np.ndarray, high: np.ndarray, fraction: int) -> bool:
    """Whether any biases with ``fraction`` fractional bits do, by trying all of them (the first is zero)."""
    acc = [np.arange(least, most + 1) for least, most in zip(low, high, strict=True)]
    reach = (int(np.max(high)) - int(np.min(low)) + 2) << fraction
    for others in itertools.product(range(-reach, reach + 1), repeat=len(table) - 1):
        value = np.concatenate([(a << fraction) + v for a, v in zip(acc, (0, *others), strict=True)])
        reached = np.concatenate([a[:, None] >= row for a, row in zip(acc, table, strict=True)])
        below = np.where(reached, np.iinfo(int).min, value[:, None]).max(axis=0)
        above = np.where(reached, value[:, None], np.iinfo(int).max).min(axis=0)
        if (below < above).all():
            return True
    return False


@st.composite
def cases(draw: st.DrawFn, channels: int, levels: int, span: int) -> Case:
    """Affine tables, some of them but for a few entries, and ranges that saturate some thresholds."""
    c, k = draw(st.integers(1, channels)), draw(st.integers(1, levels))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    off = rng.random((c, k)) < draw(st.sampled_from((0, 0, 0.1, 0.5)))
    u, v = rng.uniform(-span, span, k), rng.uniform(-span / 4, span / 4, (c, 1))
    low = rng.integers(-2 * span, 1 - span // 2, c)
    return np.sort(np.ceil(u - v).astype(np.int64) + off, axis=1), low, low + rng.integers(0, 4 * span, c)


@settings(max_examples=300, deadline=None)
@given(cases(6, 7, 12))
def test_against_a_linear_program(case: Case) -> None:
    """Equal to the table, with as few fractional bits as can be, and None only where no real numbers would do."""
    found, most = factor(*case), slack(*case)
    if found is None:
        assert most < 1e-6
    else:
        assert_equal(found, *case)
        assert 2.0 ** -found.fraction <= most + 1e-6
        assert found.fraction == 0 or 2.0 ** (1 - found.fraction) > most + 1e-6


@settings(max_examples=200, deadline=None)
@given(cases(3, 4, 4))
def test_against_exhaustive_search(case: Case) -> None:
    """No solution with one fractional bit less; or, where there is none, with two, all that three channels need."""
    found = factor(*case)
    if found is None or found.fraction > 0:
        assert not possible(*case, 2 if found is None else found.fraction - 1)
    if found is not None:
        assert_equal(found, *case)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.sampled_from((2, 3, 4, 6)), st.integers(0, 2**32 - 1))
def test_float32_networks(channels: int, bits: int, seed: int) -> None:
    """Thresholds found by evaluating a float32 activation on every accumulator, sentinels where it saturates."""
    rng = np.random.default_rng(seed)
    top = int(rng.integers(1, 3000))
    scale, step = np.float32(rng.uniform(0.5, 2) / top), np.float32(rng.uniform(0.2, 2) / 2 ** bits)
    pre = np.arange(-top, top + 1).astype(np.float32) * scale + rng.normal(0, 0.5, (channels, 1)).astype(np.float32)
    check_activation(pre, step, bits, top)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.sampled_from((2, 4, 8)), st.integers(0, 2**32 - 1))
def test_half_way_ties(channels: int, bits: int, seed: int) -> None:
    """Powers of two, so that accumulators fall on exact ties, which are rounded to even codes."""
    rng = np.random.default_rng(seed)
    bias = rng.integers(-300, 300, (channels, 1)) / np.float32(4)
    check_activation(np.arange(-900, 901).astype(np.float32) + bias.astype(np.float32),
                     np.float32(2.0 ** rng.integers(0, 4)), bits, 900)


def check_activation(pre: np.ndarray, step: np.float32, bits: int, top: int) -> None:
    """``pre`` is float32 [channels, accumulators -top .. top]."""
    codes = np.clip(np.rint(np.maximum(pre, 0) / step), 0, 2 ** bits - 1)
    unreached = (codes[:, :, None] < np.arange(1, 2 ** bits)).sum(axis=1)
    table = np.where(unreached > 2 * top, 2**31 - 1, np.where(unreached == 0, -2**31, unreached - top))
    found = factor(table, -top, top)
    assert found is not None
    assert_equal(found, table, -top, top)


def test_equal_rows_need_no_bias() -> None:
    table = np.array([-3, 0, 0, 9])
    for rows in (1, 5):
        found = factor(np.tile(table, (rows, 1)).astype(np.int32), -20, np.arange(20, 20 + rows))
        assert found is not None and found.fraction == 0 and not found.bias.any()
        np.testing.assert_array_equal(found.thresholds, table)


def test_small_biases() -> None:
    """Whole shifts need no fraction and no more than half of their span."""
    found = factor(np.arange(0, 40, 5) - np.array([[100], [107], [90]]), -500, 500)
    assert found is not None and found.fraction == 0
    np.testing.assert_array_equal(found.bias, [2, 9, -8])


@pytest.mark.parametrize("always", (True, False))
def test_saturated_everywhere(always: bool) -> None:
    """Thresholds that all channels always or never reach lie at the edge of what occurs."""
    found = factor(np.full((3, 7), -2**40 if always else 2**40), np.array([-4, -5, -6]), 9)
    assert found is not None and found.fraction == 0 and not found.bias.any()
    np.testing.assert_array_equal(found.thresholds, np.full(7, -6 if always else 10))


def test_no_thresholds() -> None:
    found = factor(np.zeros((3, 0), np.int64), -5, 5)
    assert found is not None and found.fraction == 0
    np.testing.assert_array_equal(found.bias, np.zeros(3))
    assert found.thresholds.shape == (0,)


def test_gaps_that_differ_have_no_factors() -> None:
    assert factor(np.array([[0, 5], [0, 7]]), -10, 10) is None
    assert factor(np.array([[0, 5], [0, 7]]), -10, np.array([4, 10])) is not None     # a difference never seen


def test_wide_layer() -> None:
    """512 channels at 8 bits with the most fractional bits; one entry off by ten makes it impossible."""
    v = np.random.default_rng(0).uniform(-3000, 3000, (512, 1))
    table = np.ceil(np.arange(255) * 37.3127 - v).astype(np.int64)
    found = factor(table, -20000, 20000)
    assert found is not None and found.fraction == 8
    rows = slice(0, 512, 64)
    assert_equal(Affine(8, found.bias[rows], found.thresholds), table[rows], -20000, 20000)
    table[100, 100:] += 10
    assert factor(table, -20000, 20000) is None
