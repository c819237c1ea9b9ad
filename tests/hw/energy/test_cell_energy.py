"""Prices of toggles: a range each, for every kind that is counted, and sums that behave as energy does."""
from __future__ import annotations

import numpy as np
import pytest

from quarl.hw.energy.activity import KINDS
from quarl.hw.energy.cell_energy import BOUNDS, FIGURES, STATIC_MW, dynamic_nj, static_nj


def test_every_kind_that_is_counted_has_a_price_with_a_range() -> None:
    assert FIGURES.keys() == set(KINDS)
    for low, nominal, high in [*FIGURES.values(), STATIC_MW]:
        assert 0 < low < nominal < high
    assert len(BOUNDS) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_more_toggles_take_more(kind: str) -> None:
    counts = dict.fromkeys(KINDS, 7.0)
    more = dynamic_nj({**counts, kind: 8.0})
    assert (more > dynamic_nj(counts)).all()
    assert more - dynamic_nj(counts) == pytest.approx(np.array(FIGURES[kind]) / 1000)


def test_units() -> None:
    """Ten thousand flip-flops that toggle at 10 fJ each are 100 pJ; 34 mW for 100 cycles of 10 ns are 34 nJ."""
    assert dynamic_nj({"ff": 10_000})[1] == pytest.approx(0.1)
    assert static_nj(100, 100)[1] == pytest.approx(34)
    assert (dynamic_nj({}) == 0).all()


def test_leakage_goes_with_time() -> None:
    assert static_nj(200, 100) == pytest.approx(2 * static_nj(100, 100))
    assert static_nj(200, 200) == pytest.approx(static_nj(100, 100))
