"""Cycles and DSPs are exact; LUTs and flip-flops are models, held to Yosys' figures."""
import dataclasses

import numpy as np
import pytest

from quarl.build_flows.calibration import fit
from quarl.build_flows.estimate import resources, rom
from quarl.build_flows.estimate.models import MODELS
from quarl.build_flows.estimate.shape import Folding, Shape, cycles, shapes, shapes_of
from quarl.hw.engines.mvtu.design import Style
from quarl.hw.engines.mvtu.unit import Unit
from quarl.models.actors.bits import Bits
from quarl.models.export.random_policy import random_policy


def dense(inputs, outputs, bits, input_bits, act_bits):
    return Shape(inputs, outputs, bits, input_bits, act_bits, 16, True)


# DSP48E1 slices that Yosys counts in FINN's engine for 8-64-64-4 with 8-bit inputs at PE 4, SIMD 8.
@pytest.mark.parametrize(("bits", "expected"), [(2, 32), (3, 32), (4, 32), (6, 48), (8, 48)])
def test_dsps_are_those_of_finns_packing(bits, expected):
    shapes = [dense(8, 64, bits, 8, bits), dense(64, 64, bits, bits, bits), dense(64, 4, bits, bits, 0)]
    assert sum(resources.dsps(s, Folding(4, 8), "dsp") for s in shapes) == expected


def test_wider_slices_take_more_products():
    """A DSP48E2's wide port has 27 bits; FINN's unit then puts a third 4-bit weight with 8-bit inputs beside two."""
    shape, folding = dense(64, 64, 4, 8, 4), Folding(6, 8)
    lanes = {width: 48 // resources.dsps(shape, folding, "dsp", dsp_width=width) for width in (25, 27)}
    assert lanes == {25: 2, 27: 3}


def test_dsps_of_the_other_engines():
    shape, folding = dense(64, 64, 8, 8, 8), Folding(3, 8)
    assert resources.dsps(shape, folding, "lut") == resources.dsps(shape, folding, "rom") == 0
    assert resources.dsps(shape, folding, "rom", Style(products="dsp")) == 16


def test_cycles_are_the_folded_products():
    assert cycles(dense(64, 32, 4, 4, 4), Folding(4, 8)) == 64


def test_shapes_are_the_policys():
    _, policy = random_policy((5, 17, 3), Bits(3, 2, 4), 0)
    first, last = shapes(policy)
    assert (first.inputs, first.outputs, first.weight_bits, first.input_bits, first.act_bits) == (5, 17, 3, 4, 2)
    assert (last.inputs, last.outputs, last.input_bits, last.act_bits) == (17, 3, 2, 0)
    assert first.narrow and last.narrow
    assert 2 ** (first.acc_bits - 1) > policy.accumulator_bound(0)
    assert (first.unit.weights == policy.layers[0].weights).all() and first.unit.input_signed
    assert (first.unit.thresholds == policy.layers[0].thresholds).all()
    assert last.unit.thresholds is None and not last.unit.input_signed


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_shapes_of_sizes_are_those_of_a_policy_but_for_its_numbers(bits):
    known = shapes(random_policy((5, 17, 9, 3), Bits(bits, bits, 6), 0)[1])
    found = shapes_of((5, 17, 9, 3), bits, 6)
    assert [dataclasses.replace(shape, acc_bits=0) for shape in found] == [
        dataclasses.replace(shape, acc_bits=0) for shape in known]
    assert all(shape.acc_bits >= each.acc_bits for shape, each in zip(found, known, strict=True))


def test_every_coefficient_is_there_and_not_negative():
    assert list(resources.coefficients()) == list(fit.FEATURES)
    assert all(cost >= 0 for cost in resources.coefficients().values())


@pytest.mark.parametrize("engine", MODELS)
def test_an_estimate_has_all_that_synthesis_counts(engine):
    shape, folding = dense(64, 64, 4, 4, 4), Folding(4, 8)
    found = resources.estimate(shape, folding, engine, 4)
    assert list(found) == ["lut", "lut_memory", "ff", "dsp", "bram36"]
    assert found["lut"] == pytest.approx(resources.luts(shape, folding, engine, 4))
    assert found["dsp"] == resources.dsps(shape, folding, engine)
    assert 0 < found["lut_memory"] < found["lut"] and found["ff"] > 0 == found["bram36"]


def test_weights_in_block_ram_are_counted():
    shape, folding, style = dense(64, 64, 8, 8, 8), Folding(4, 8), Style("fast-clock", weight_rom="block")
    assert resources.estimate(shape, folding, "rom", style=style)["bram36"] == 4       # 256 bits: 7.1 times 36


# LUTs and flip-flops that Yosys counts, of these memory: layer 1 of 8-64-64-4 (or 8-16-16-4) behind beats of `lanes`.
@pytest.mark.parametrize(("size", "bits", "folding", "lanes", "lut", "memory", "ff"), [
    (64, 4, (1, 1), 1, 531, 20, 83), (64, 4, (4, 64), 4, 6279, 204, 1289), (64, 4, (16, 4), 64, 2403, 216, 498),
    (64, 4, (64, 16), 16, 14511, 172, 4335), (16, 3, (16, 16), 8, 911, 64, 478), (16, 8, (4, 8), 2, 2965, 72, 820)])
def test_our_engine_takes_what_yosys_says(size, bits, folding, lanes, lut, memory, ff):
    shape = shapes(random_policy((8, size, size, 4), Bits(bits, bits, 8), 0)[1])[1]
    folding = Folding(*folding)
    assert resources.luts(shape, folding, "rom", lanes) == pytest.approx(lut, rel=0.1)
    counts = rom.counts(shape, folding, lanes)
    assert counts["memory"] == memory
    assert counts["flip-flops"] == pytest.approx(ff, rel=0.1)


def with_weights(shape, weights):
    return dataclasses.replace(shape, unit=dataclasses.replace(shape.unit, weights=weights))


def test_zero_and_repeated_weights_save_luts():
    shape = shapes(random_policy((8, 16, 16, 4), Bits(4, 4, 8), 0)[1])[1]
    weights = shape.unit.weights
    sparse = with_weights(shape, weights * (np.arange(256).reshape(16, 16) % 3 == 0))
    repeated = with_weights(shape, np.repeat(weights[:4], 4, axis=0))
    for folding in (Folding(16, 16), Folding(4, 16)):
        whole = resources.luts(shape, folding, "rom")
        assert resources.luts(sparse, folding, "rom") < 0.8 * whole
    assert resources.luts(repeated, Folding(16, 16), "rom") < 0.8 * resources.luts(shape, Folding(16, 16), "rom")


def test_unknown_numbers_are_taken_to_be_random():
    known = shapes(random_policy((8, 32, 32, 4), Bits(6, 6, 8), 0)[1])[1]
    unknown = dataclasses.replace(known, unit=None)
    for folding in (Folding(2, 4), Folding(8, 32)):
        assert resources.luts(unknown, folding, "rom") == pytest.approx(resources.luts(known, folding, "rom"), rel=0.25)


def test_a_threshold_table_for_every_channel_costs_more():
    rng = np.random.default_rng(0)
    shape = shapes(random_policy((8, 16, 16, 4), Bits(4, 4, 8), 0)[1])[1]
    table = np.sort(shape.unit.thresholds + rng.integers(-15, 15, shape.unit.thresholds.shape), axis=1)
    unit = dataclasses.replace(shape.unit, thresholds=table)
    assert shape.unit.affine is not None and unit.affine is None
    stored = dataclasses.replace(shape, unit=unit)
    assert resources.luts(stored, Folding(4, 8), "rom", 8) == pytest.approx(1029, rel=0.1)


def test_a_layer_of_one_weight_has_a_cost():
    unit = Unit(np.array([[1]]), None, 1, 1, 2, 2, False, 4, 1)
    shape = Shape(1, 1, 2, 2, 0, 4, True, unit)
    assert 0 < resources.luts(shape, Folding(1, 1), "rom") < 60
