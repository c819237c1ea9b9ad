"""`balanced`, the default folding: the same goal for every width."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarl.build_flows.building.options import Options
from quarl.build_flows.estimate.shape import shapes_of
from quarl.build_flows.folding.planning import BALANCED_CYCLES, Plan, choose, frontier, pick
from quarl.hw.boards import board

BOARD = board("pynq-z2")
LARGE = board("zcu111")      # with room for the goal at any width
WIDTHS = range(2, 9)
sizes = st.sampled_from([1, 2, 3, 4, 6, 8, 11, 16, 17, 24, 32, 48, 64])


def default(dims: tuple[int, ...], bits: int, engine: str) -> Plan:
    return choose(shapes_of(dims, bits, 8), engine, Options().fold, LARGE, 100)


@settings(max_examples=30, deadline=None)
@given(st.lists(sizes, min_size=2, max_size=4).map(tuple), st.sampled_from(["rom", "dsp", "lut"]))
def test_fewer_bits_never_take_more_luts(dims, engine):
    plans = [default(dims, bits, engine) for bits in WIDTHS]
    luts = [plan.lut for plan in plans if plan.latency <= BALANCED_CYCLES]
    assert luts == sorted(luts)


@pytest.mark.parametrize("dims", [(4, 64, 64, 2), (8, 64, 64, 4), (17, 64, 64, 6)])
def test_usual_networks_reach_the_goal_at_every_width(dims):
    plans = [choose(shapes_of(dims, bits, 8), "rom", Options().fold, BOARD, 70) for bits in WIDTHS]
    assert all(plan.latency < 100 for plan in plans)
    assert [plan.lut for plan in plans] == sorted(plan.lut for plan in plans)


def test_where_none_reaches_the_goal_it_is_the_fastest():
    plans = frontier(shapes_of((11, 256, 256, 3), 7, 8), "rom", BOARD, 70)
    fastest = min(plan.latency for plan in plans)
    assert fastest > BALANCED_CYCLES and pick(plans, "balanced").latency == fastest
