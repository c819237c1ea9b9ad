"""FINN's engines: structure against the cells that Yosys counts."""
import numpy as np
import pytest

from quarl.build_flows.estimate import finn, memories
from quarl.build_flows.estimate.counts import added
from quarl.build_flows.estimate.shape import Folding, shapes
from quarl.build_flows.estimate.width_converter import converter
from quarl.models.actors.bits import Bits
from quarl.models.export.random_policy import random_policy

FOLDING = (Folding(4, 8), Folding(4, 6), Folding(2, 8))


@pytest.fixture(scope="module")
def layers():
    return shapes(random_policy((8, 12, 16, 4), Bits(3, 4, 8), 0)[1])


# Flip-flops and look-up tables as RAM in FINN's packed unit, and flip-flops of the thresholding behind it.
@pytest.mark.parametrize(("index", "ff", "memory", "thresholds"), [(0, 2122, 92, 656), (1, 1591, 52, 554),
                                                                   (2, 1186, 48, None)])
def test_registers_and_memory_of_finns_unit(layers, index, ff, memory, thresholds):
    found = finn.unit(layers[index], FOLDING[index], "dsp")
    assert found["memory"] == memory and found["flip-flops"] == pytest.approx(ff, abs=4)
    behind = finn.thresholds(layers[index], FOLDING[index])
    assert behind == {} if thresholds is None else behind["flip-flops"] == pytest.approx(thresholds, abs=3)


@pytest.mark.parametrize(("before", "after", "ff"), [
    (16, 24, 50), (16, 32, 54), (12, 6, 26), (6, 12, 24), (32, 64, 102)])
def test_registers_of_the_width_converter(before, after, ff):
    assert converter(before, after)["flip-flops"] == ff


def test_equal_widths_need_no_converter(layers):
    with_one, without = (finn.input_side(layers[1], FOLDING[1], lanes) for lanes in (4, 6))
    assert with_one["converters"] == 1 and with_one["fifos"] == 2
    assert without == {"fifos": 1, "stream bits": 24, "flip-flops": 125}


def test_parts_are_the_whole(layers):
    for shape, folding, lanes in zip(layers, FOLDING, (8, 4, 4), strict=True):
        for engine in ("dsp", "lut"):
            whole = added(finn.compute(shape, folding, engine),
                               finn.input_side(shape, folding, lanes))
            each = finn.parts(shape, folding, engine, lanes)
            assert added(*each.values()) == whole


def test_weights_of_a_single_word_are_constants(layers):
    unrolled = finn.unit(layers[2], Folding(4, 16), "lut")
    assert unrolled.get("memory", 0) == 0


# Look-up tables as RAM and BRAMs that Yosys takes for the weights of FINN's unit.
@pytest.mark.parametrize(("depth", "bits", "expected"), [
    (3, 96, (48, 0)), (8, 72, (36, 0)), (48, 8, (8, 0)), (96, 3, (6, 0)), (96, 24, (48, 0)), (128, 256, (512, 0)),
    (144, 8, (24, 0)), (288, 8, (40, 0)), (768, 2, (0, 0.5))])
def test_memories_that_are_written(depth, bits, expected):
    lut, _, brams = memories.writable(depth, bits)
    assert (lut, brams) == expected


def test_roms_are_logic_until_block_ram_costs_less():
    assert memories.constant(16, 10, 4) == (40, 40, 0)
    assert memories.constant(128, 10, 4)[0] == 3 * 40            # two for 128 words, and one that chooses
    assert memories.constant(2048, 18, 4) == (0, 0, 4.0)
    assert memories.constant(1, 10, 4) == (0, 0, 0)


def test_constant_and_equal_columns_of_a_rom_cost_nothing():
    words = np.zeros((16, 40), bool)
    words[3, :10] = words[5, 10:20] = True
    assert memories.constant(16, 10, 4, words) == (2, 2, 0)
