"""The search for a folding against one through all of them."""
import functools
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarl.build_flows.estimate import resources, shape
from quarl.build_flows.estimate.latency import BRIDGE_CYCLES, follow
from quarl.build_flows.estimate.shape import NO_LANES, Shape
from quarl.build_flows.folding import planning
from quarl.build_flows.folding.option import FOLDS
from quarl.build_flows.folding.planning import choose, frontier, options
from quarl.host.errors import UserError
from quarl.hw.boards import board
from quarl.hw.engines.mvtu.design import Style
from quarl.hw.engines.registry import ENGINES
from quarl.models.actors.bits import Bits
from quarl.models.export.random_policy import random_policy

BOARD = board("pynq-z2")
sizes = st.integers(1, 12)
bits = st.integers(2, 8)


@st.composite
def networks(draw):
    dims = draw(st.lists(sizes, min_size=2, max_size=4))
    w, a, i = draw(bits), draw(bits), draw(bits)
    return [Shape(n, m, w, i if k == 0 else a, a if k < len(dims) - 2 else 0, w + a + n.bit_length(), True)
            for k, (n, m) in enumerate(itertools.pairwise(dims))]


def net(*dims, bits=4):
    return [Shape(n, m, bits, 8 if k == 0 else bits, bits if k < len(dims) - 2 else 0, 20, True)
            for k, (n, m) in enumerate(itertools.pairwise(dims))]


def policy_shapes(*dims, bits):
    return shape.shapes(random_policy(dims, Bits(bits, bits, 8), 0)[1])


def costs(shapes, engine):
    """LUTs, DSPs and latency of every folding there is, by its layers."""
    luts = functools.cache(lambda index, layer, lanes: resources.luts(shapes[index], layer, engine, lanes))

    def cost(layers):
        lut, first, last, lanes = resources.shell_luts(), BRIDGE_CYCLES, BRIDGE_CYCLES, NO_LANES
        for index, layer in enumerate(layers):
            lut += luts(index, layer, lanes)
            first, last = follow(shapes[index], layer, engine, first, last, lanes)
            lanes = layer.pe
        return lut, sum(resources.dsps(s, f, engine) for s, f in zip(shapes, layers, strict=True)), last
    return {layers: cost(layers) for layers in itertools.product(*map(options, shapes))}


@settings(max_examples=25, deadline=None)
@given(networks(), st.sampled_from(tuple(ENGINES)), st.sampled_from([3.0, 30.0, 70.0]))
def test_no_folding_is_better_than_the_chosen_one(shapes, engine, percent):
    every = costs(shapes, engine)
    margin = ENGINES[engine].margin
    fits = [c for c in every.values() if c[0] * margin <= BOARD.lut * percent / 100 and c[1] <= BOARD.dsp]
    if not fits:
        with pytest.raises(UserError):
            choose(shapes, engine, "min-area", BOARD, percent)
        return
    soon = max(99, min(latency for *_, latency in fits))
    for fold, goal, among in (("min-area", lambda c: c[0], fits), ("min-latency", lambda c: c[2], fits),
                              ("balanced", lambda c: c[0], [c for c in fits if c[2] <= soon])):
        plan = choose(shapes, engine, fold, BOARD, percent)
        assert plan.fold == fold
        assert (plan.lut, plan.dsp, plan.latency) == pytest.approx(every[plan.layers])
        assert plan.lut * ENGINES[engine].margin <= BOARD.lut * percent / 100 and plan.dsp <= BOARD.dsp
        assert goal((plan.lut, plan.dsp, plan.latency)) == pytest.approx(min(map(goal, among)))


@pytest.mark.parametrize("engine", tuple(ENGINES))
def test_the_frontier_is_that_of_all_foldings(engine):
    shapes = policy_shapes(6, 8, 12, 4, bits=3)
    every = [c for c in costs(shapes, engine).values() if c[1] <= BOARD.dsp]
    expected, best = [], float("inf")
    for lut, _, latency in sorted(every, key=lambda c: (c[0], c[2])):
        if latency < best and lut * ENGINES[engine].margin <= BOARD.lut * 0.7:
            expected.append((lut, latency))
            best = latency
    plans = frontier(shapes, engine, BOARD, 70)
    assert [(plan.lut, plan.latency) for plan in plans] == [(pytest.approx(lut), latency) for lut, latency in expected]
    assert len(plans) > 10


@pytest.mark.parametrize("engine", tuple(ENGINES))
def test_the_three_folds_trade_area_for_latency(engine):
    small, middle, fast = (choose(net(8, 64, 64, 4), engine, fold, BOARD, 70) for fold in FOLDS)
    assert small.lut < middle.lut < fast.lut
    assert small.latency > middle.latency > fast.latency
    assert fast.interval < small.interval


def test_a_number_of_cycles_is_the_smallest_design_that_keeps_it():
    shapes = net(8, 64, 64, 4)
    plans = frontier(shapes, "rom", BOARD, 70)
    for cycles in (40, 100, 1000):
        plan = choose(shapes, "rom", str(cycles), BOARD, 70)
        assert plan.latency <= cycles and plan.fold == str(cycles)
        assert plan.lut == min(each.lut for each in plans if each.latency <= cycles)
    with pytest.raises(UserError, match=r"an action must take at most 3 cycles, found \d+ for the fastest design that "
                                        r"fits\. Fix: allow more, raise --max-lut-percent, or train"):
        choose(shapes, "rom", "3", BOARD, 70)


@pytest.mark.parametrize(("dims", "width", "latency", "interval", "percent"), [
    ((8, 64, 64, 4), 4, 12, 4, 70), ((8, 64, 64, 4), 2, 8, 1, 30), ((4, 64, 64, 2), 3, 10, 4, 70)])
def test_the_fastest_designs_of_our_engine(dims, width, latency, interval, percent):
    plan = choose(policy_shapes(*dims, bits=width), "rom", "min-latency", BOARD, percent)
    assert plan.stream_latency <= latency and plan.interval <= interval


def test_a_style_changes_latency_and_cost():
    shapes = policy_shapes(8, 16, 4, bits=4)
    small, balanced, fast, dsp = (
        choose(shapes, "rom", "min-latency", BOARD, 70, style)
        for style in (Style(), Style("balanced"), Style("fast-clock"), Style(products="dsp")))
    assert small.latency <= balanced.latency < fast.latency
    assert small.dsp == 0 < dsp.dsp


# Weights of FINN's engines go to block RAM.
@pytest.mark.parametrize(("dims", "engine", "reserve", "brams"), [
    ((376, 4096, 4096, 17), "lut", 20, r"\d{4,}(\.5)?"), ((376, 1024, 1024, 17), "rom", 10, "0")])
def test_a_net_that_does_not_fit_says_so(dims, engine, reserve, brams):
    with pytest.raises(UserError, match=r"the design must fit 37240 LUTs \(70 %% of pynq-z2's\), 220 DSPs and 140 "
                                        r"BRAMs, found about \d+ LUTs, with a reserve of %d %%, 0 DSPs and %s BRAMs "
                                        r"for the smallest folding\. Fix: train with fewer bits or smaller layers, or "
                                        r"raise --max-lut-percent\." % (reserve, brams)):
        choose(net(*dims, bits=8), engine, "balanced", BOARD, 70)


@pytest.mark.slow
def test_five_wide_layers_take_less_than_a_minute():
    plans = frontier(net(64, 128, 128, 128, 128, 64), "rom", BOARD, 70)
    assert len(plans) > 100


def test_the_report_has_a_row_per_layer():
    plan = choose(net(8, 64, 4), "rom", "balanced", BOARD, 70)
    report = plan.report(70)
    assert report["fold"] == "balanced" and report["engine"] == "rom"
    assert [(row["inputs"], row["outputs"]) for row in report["layers"]] == [(8, 64), (64, 4)]
    assert report["predicted"]["interval_cycles"] == max(row["cycles"] for row in report["layers"])
    assert report["layers"][1]["act_bits"] is None
    assert sum(row["lut"] for row in report["layers"]) + resources.shell_luts() == pytest.approx(
        report["predicted"]["lut"], abs=2)


def test_unbeaten_rows_are_those_that_no_other_beats():
    import numpy as np
    rows = np.random.default_rng(0).integers(0, 6, (400, 4)).astype(float)
    kept = planning._unbeaten(rows)
    alive = {tuple(row) for row in rows if not any((other <= row).all() and (other < row).any() for other in rows)}
    assert sorted(map(tuple, rows[kept])) == sorted(alive)
