"""One threshold table for all channels of a layer, and a bias for each: a table per channel, factored exactly.

A trained layer quantises ``acc + bias[c]`` with one uniform quantiser, so its thresholds are ``T[c, k] = ceil(u[k] -
v[c])`` for real ``u`` and ``v``. With ``F`` fractional bits there are often integers that do the same: ``acc * 2**F +
V[c] >= U[k]`` where ``acc >= T[c, k]``, for every accumulator that can occur. Constants ``U`` that all channels share
cost far less hardware than a memory of thresholds.

With ``low <= acc <= high`` this asks ``2**F * (T - 1) + 1 <= U[k] - V[c] <= 2**F * T``, without the first bound where
``T <= low`` (always reached) and without the second where ``T > high`` (never). Such difference constraints have a
solution if and only if no cycle of them adds up to less than zero, and shortest paths find it.
"""
from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from quarl.host.content import Content

_UNBOUNDED = 1 << 60


@dataclass(frozen=True, eq=False)
class Affine(Content):
    """The code of channel ``c`` is the number of ``k`` with ``acc * 2**fraction + bias[c] >= thresholds[k]``.

    ``bias`` is int64 [channels] and ``thresholds`` int64 [levels], ascending; both in units of ``2**-fraction``.
    """

    fraction: int
    bias: np.ndarray
    thresholds: np.ndarray


def factor(thresholds: np.ndarray, low: np.ndarray | int, high: np.ndarray | int) -> Affine | None:
    """The factors of ``thresholds`` with the fewest fractional bits, or None if there are none.

    ``thresholds`` are integers [channels, levels], ascending along each row. Accumulators lie in ``low`` to ``high``
    (integers, [channels] or one for all, below 2**31 in size); thresholds outside may have any value. Among the
    biases of a solution, largest minus smallest is the least possible, and they are centred on zero: equal rows give
    ``fraction`` 0, zero biases and the row itself. No threshold is further out than is just always or just never.

    The fractional bits needed are bounded. A cycle of ``n`` upper and ``n`` lower bounds adds up to ``2**F * d - n``
    with ``d`` an integer, so it needs ``d >= 1``, whatever ``F`` is, and then ``2**F >= n`` is enough. It passes a
    channel or a level once at most, so ``n`` is at most the smaller of their numbers.
    """
    channels, levels = np.shape(thresholds)
    low, high = (np.broadcast_to(np.asarray(end, np.int64), channels)[:, None] for end in (low, high))
    table = np.clip(np.asarray(thresholds, np.int64), low, high + 1)
    most = max(min(channels, levels) - 1, 0).bit_length()
    fraction = bisect_left(range(most), True, key=lambda bits: _bias(*_bounds(table, low, high, bits)) is not None)
    lower, upper = _bounds(table, low, high, fraction)
    bias = _bias(lower, upper)
    if bias is None:
        return None
    bias -= int(bias.min()) // 2
    never = np.max((high << fraction) + bias[:, None]) + 1
    shared = np.min(bias[:, None] + upper, axis=0)          # ascends, because every row of the bounds does
    return Affine(fraction, bias, np.minimum(shared, never))


def _bounds(table: np.ndarray, low: np.ndarray, high: np.ndarray, fraction: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest ``U[k] - V[c]``, int64 [channels, levels] each."""
    lower = np.where(table > low, ((table - 1) << fraction) + 1, -_UNBOUNDED)
    upper = np.where(table <= high, table << fraction, _UNBOUNDED)
    return lower, upper


def _bias(lower: np.ndarray, upper: np.ndarray) -> np.ndarray | None:
    """The largest biases [channels] up to zero that satisfy the bounds on ``U[k] - V[c]``; None if none do.

    Bellman and Ford's algorithm, one step to all levels and back at a time. A solution can be shifted until its
    largest bias is zero, and no step goes below that one: so the algorithm has failed once all biases are negative,
    and also if it goes on for longer than a path can be.
    """
    bias = np.zeros(len(lower), np.int64)
    for _ in range(min(lower.shape) + 1):
        shared = np.min(bias[:, None] + upper, axis=0)
        previous, bias = bias, np.min(shared - lower, axis=1, initial=0)
        if np.array_equal(bias, previous):
            return bias
        if bias.max() < 0:
            return None
    return None
