"""The chosen folding against a search through all of them."""
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from build_flows import folding, resources
from build_flows.folding import FOLDS, choose, follow, options
from build_flows.resources import Folding, Shape
from host.errors import UserError
from hw.boards import board

BOARD = board("pynq-z2")
sizes = st.integers(1, 12)
bits = st.integers(2, 8)


@st.composite
def networks(draw):
    dims = draw(st.lists(sizes, min_size=2, max_size=4))
    w, a, i = draw(bits), draw(bits), draw(bits)
    return [Shape(n, m, w, i if k == 0 else a, a if k < len(dims) - 2 else 0, w + a + n.bit_length(), True)
            for k, (n, m) in enumerate(itertools.pairwise(dims))]


def cost(shapes, layers, engine):
    first = last = folding.BRIDGE_CYCLES
    lanes = folding.NO_LANES
    for shape, layer in zip(shapes, layers, strict=True):
        first, last = follow(shape, layer, engine, first, last, lanes)
        lanes = layer.pe
    return (resources.shell_luts() + sum(resources.luts(s, f, engine) for s, f in zip(shapes, layers, strict=True)),
            sum(resources.dsps(s, f, engine) for s, f in zip(shapes, layers, strict=True)), last)


@settings(max_examples=25, deadline=None)
@given(networks(), st.sampled_from(resources.ENGINES), st.sampled_from([10.0, 30.0, 70.0]))
def test_no_folding_is_better_than_the_chosen_one(shapes, engine, percent):
    every = [(cost(shapes, layers, engine)) for layers in itertools.product(*map(options, shapes))]
    fits = [c for c in every if c[0] * folding.MARGIN <= BOARD.lut * percent / 100 and c[1] <= BOARD.dsp]
    if not fits:
        with pytest.raises(UserError):
            choose(shapes, engine, "min-area", BOARD, percent)
        return
    for fold, goal in (("min-area", lambda c: c[0]), ("min-latency", lambda c: c[2]),
                       ("balanced", lambda c: c[0] * c[2])):
        plan = choose(shapes, engine, fold, BOARD, percent)
        lut, dsp, latency = cost(shapes, plan.layers, engine)
        assert (plan.lut, plan.dsp, plan.latency) == (round(lut), dsp, latency)
        assert lut * folding.MARGIN <= BOARD.lut * percent / 100 and dsp <= BOARD.dsp
        assert goal((lut, dsp, latency)) == pytest.approx(min(map(goal, fits)))


def net(*dims, bits=4):
    return [Shape(n, m, bits, 8 if k == 0 else bits, bits if k < len(dims) - 2 else 0, 20, True)
            for k, (n, m) in enumerate(itertools.pairwise(dims))]


@pytest.mark.parametrize("engine", resources.ENGINES)
def test_the_three_folds_trade_area_for_latency(engine):
    small, middle, fast = (choose(net(8, 64, 64, 4), engine, fold, BOARD, 70) for fold in FOLDS)
    assert small.lut < middle.lut < fast.lut
    assert small.latency > middle.latency > fast.latency
    assert fast.interval < small.interval


def test_a_net_that_does_not_fit_says_so():
    with pytest.raises(UserError, match=r"the design must fit 37240 LUTs \(70 % of pynq-z2's\) and 220 DSPs, found "
                                        r"about \d+ LUTs, with a reserve of 20 %, and 0 DSPs for the smallest "
                                        r"folding\. Fix: train with fewer bits or smaller layers, or raise "
                                        r"--max-lut-percent\."):
        choose(net(376, 4096, 4096, 17, bits=8), "lut", "balanced", BOARD, 70)


def test_the_report_has_a_row_per_layer():
    plan = choose(net(8, 64, 4), "dsp", "balanced", BOARD, 70)
    report = plan.report(70)
    assert report["fold"] == "balanced" and report["engine"] == "dsp"
    assert [(row["inputs"], row["outputs"]) for row in report["layers"]] == [(8, 64), (64, 4)]
    assert report["predicted"]["interval_cycles"] == max(row["cycles"] for row in report["layers"])
    assert report["layers"][1]["act_bits"] is None


def test_a_layer_waits_for_all_its_inputs():
    shape = Shape(64, 8, 4, 4, 0, 14, True)
    pipeline = folding.LAYER_CYCLES + folding.CONVERTER_CYCLES + folding.compute_depth(Folding(8, 2), "lut")
    # 64 codes come 4 at a time from cycle 0 to 150; SIMD 2 needs 2 cycles for the last four, one pass is all.
    once = pipeline + folding.SINGLE_PASS_CYCLES
    assert follow(shape, Folding(8, 2), "lut", 0, 150, 4) == (152 + once, 152 + once)
    # They are all there at once: 32 cycles for 64 inputs, and a second pass of 32.
    assert follow(shape, Folding(4, 2), "lut", 0, 0, 64) == (32 + pipeline, 64 + pipeline)


def test_equal_widths_need_no_converter():
    shape = Shape(64, 8, 4, 4, 0, 14, True)
    with_converter, _ = follow(shape, Folding(4, 2), "lut", 0, 150, 4)
    without, _ = follow(shape, Folding(4, 4), "lut", 0, 150, 4)
    assert with_converter - without == folding.CONVERTER_CYCLES + 1      # and one cycle less for the last beat
