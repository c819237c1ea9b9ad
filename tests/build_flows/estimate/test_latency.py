"""The predicted cycles against a simulation of every beat, and against the emulated RTL."""
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarl.build_flows.building import parity, subject
from quarl.build_flows.estimate import finn_latency
from quarl.build_flows.estimate.latency import follow
from quarl.build_flows.estimate.rom import design
from quarl.build_flows.estimate.shape import NO_LANES, Folding, Shape, cycles
from quarl.build_flows.estimate.shape import shapes as shapes_of
from quarl.build_flows.lowering.lower import lower
from quarl.build_flows.lowering.session import finn_session
from quarl.hw.engines.mvtu.design import PRODUCTS, TIMINGS, Style
from quarl.models.actors.bits import Bits
from tests.build_flows.lowering.mvtu_node.rom_engine_helpers import BOARD, emulated

sizes = st.sampled_from([1, 2, 3, 4, 6, 8, 9, 12, 20, 24, 30])
bits = st.integers(2, 8)


def divisor(draw, number):
    return draw(st.sampled_from([d for d in range(1, number + 1) if number % d == 0]))


@st.composite
def folded_networks(draw):
    dims, width = draw(st.lists(sizes, min_size=2, max_size=4)), draw(bits)
    shapes = [Shape(n, m, width, width, width if k < len(dims) - 2 else 0, 20, True)
              for k, (n, m) in enumerate(itertools.pairwise(dims))]
    return shapes, [Folding(divisor(draw, s.outputs), divisor(draw, s.inputs)) for s in shapes]


def predicted(shapes, layers, engine="rom", **style):
    """First and last output beat of a chain whose first input beat is offered in cycle 0."""
    first, last, lanes = 0, 0, NO_LANES
    for shape, layer in zip(shapes, layers, strict=True):
        first, last = follow(shape, layer, engine, first, last, lanes, **style)
        lanes = layer.pe
    return first, last


def converted(beats, lanes, simd, words):
    """FINN's width converter, cycle by cycle: when its words leave, given when its beats come."""
    held, taken, leaves, cycle = 0, 0, [], 0
    while len(leaves) < words:
        gives, takes = held >= simd, held <= simd and taken < len(beats) and beats[taken] <= cycle
        if gives:
            leaves.append(cycle)
        held, taken, cycle = held + lanes * takes - simd * gives, taken + takes, cycle + 1
    return leaves


def simulated(shapes, layers, style):
    beats, lanes = list(range(shapes[0].inputs // layers[0].simd)), layers[0].simd
    for shape, layer in zip(shapes, layers, strict=True):
        unit = design(shape, layer, lanes, style)
        if unit.in_lanes != lanes:
            beats = converted(beats, lanes, unit.simd, unit.beats)
        words = [beats[((word + 1) * unit.simd - 1) // unit.in_lanes] + unit.buffered for word in range(unit.beats)]
        step, leaves = -1, []
        for _ in range(unit.passes):
            for word in words:
                step = max(step + 1, word)
            leaves.append(step + unit.depth)
        beats, lanes = leaves, layer.pe
    return beats


@settings(max_examples=300, deadline=None)
@given(folded_networks(), st.sampled_from(TIMINGS), st.sampled_from(PRODUCTS))
def test_every_beat_of_our_engine(network, timing, products):
    shapes, layers = network
    style = Style(timing, products)
    beats = simulated(shapes, layers, style)
    assert predicted(shapes, layers, style=style) == (beats[0], beats[-1])


def test_many_designs_at_once():
    shape, folding = Shape(24, 6, 4, 4, 4, 12, True), Folding(3, 8)
    for lanes in (4, 6, 24):
        beats = 24 // lanes - 1
        first, spacing = np.array([3, 5, 40]), np.array([1, 7, 2])
        each = [follow(shape, folding, "rom", f, f + s * beats, lanes) for f, s in zip(first, spacing, strict=True)]
        assert np.array_equal(np.transpose(each), follow(shape, folding, "rom", first, first + spacing * beats, lanes))


def test_a_layer_of_finns_waits_for_all_its_inputs():
    shape = Shape(64, 8, 4, 4, 0, 14, True)
    pipeline = finn_latency.LAYER_CYCLES + finn_latency.CONVERTER_CYCLES
    pipeline += finn_latency.compute_depth(Folding(8, 2), "lut")
    # 64 codes come 4 at a time from cycle 0 to 150; SIMD 2 needs 2 cycles for the last four, one pass is all.
    once = pipeline + finn_latency.SINGLE_PASS_CYCLES
    assert follow(shape, Folding(8, 2), "lut", 0, 150, 4) == (152 + once, 152 + once)
    # They are all there at once: 32 cycles for 64 inputs, and a second pass of 32.
    assert follow(shape, Folding(4, 2), "lut", 0, 0, 64) == (32 + pipeline, 64 + pipeline)


def test_equal_widths_need_no_converter():
    shape = Shape(64, 8, 4, 4, 0, 14, True)
    with_converter, _ = follow(shape, Folding(4, 2), "lut", 0, 150, 4)
    without, _ = follow(shape, Folding(4, 4), "lut", 0, 150, 4)
    assert with_converter - without == finn_latency.CONVERTER_CYCLES + 1      # and one cycle less for the last beat


def check_emulated(dims, width, folding, folder):
    """One inference takes the predicted cycles, and many the predicted interval."""
    layers = [Folding(*layer) for layer in folding]
    what = subject.random(dims, Bits(width, width, 8), 0, folder / "policy", 10)
    with finn_session(folder / "finn"):
        lowered = lower(what.policy, what.onnx, layers, BOARD, folder / "finn", "rom")
        codes = np.random.default_rng(0).integers(*what.policy.input_range, (100, dims[0]), endpoint=True)
        with emulated(lowered.rtl, lowered.geometry, folder) as emulator:
            _, alone = parity.stream(emulator, lowered.geometry, codes[:1])
            emulator.reset()
            _, many = parity.stream(emulator, lowered.geometry, codes)
    shapes = shapes_of(what.policy)
    assert alone.latency == predicted(shapes, layers)[1]
    assert many.interval == pytest.approx(max(map(cycles, shapes, layers)), rel=0.02)


def test_the_emulated_rtl_with_converters_between_odd_widths(tmp_path):
    check_emulated((6, 12, 12, 15, 3), 3, [(4, 3), (4, 6), (5, 4), (3, 3)], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("dims", "width", "folding"), [
    ((8, 64, 64, 4), 2, [(64, 8), (64, 64), (4, 64)]), ((8, 64, 64, 4), 4, [(16, 8), (4, 32), (1, 2)]),
    ((8, 64, 64, 4), 8, [(1, 1), (4, 8), (4, 64)]), ((5, 17, 3), 3, [(1, 1), (1, 17)]),
    ((12, 12, 18, 6), 5, [(6, 4), (9, 4), (3, 6)]), ((9, 30, 20, 7), 6, [(6, 3), (10, 15), (7, 4)]),
    ((9, 24, 20, 7), 7, [(12, 1), (4, 2), (1, 5)]), ((8, 16, 10), 4, [(16, 8), (5, 1)]),
    ((10, 18, 12, 12, 2), 2, [(9, 10), (6, 2), (3, 4), (2, 12)])])
def test_the_emulated_rtl(dims, width, folding, tmp_path):
    check_emulated(dims, width, folding, tmp_path)
