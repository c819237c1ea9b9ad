"""Cycles and DSPs are exact; the LUT estimate is a model, checked against Yosys in the slow suite."""
import pytest

from build_flows import resources
from build_flows.resources import Folding, Shape
from models.bits import Bits
from models.random_policy import random_policy


def dense(inputs, outputs, bits, input_bits, act_bits):
    return Shape(inputs, outputs, bits, input_bits, act_bits, 16, True)


# DSP48E1 slices that Yosys counts in FINN's engine for 8-64-64-4 with 8-bit inputs at PE 4, SIMD 8.
@pytest.mark.parametrize(("bits", "expected"), [(2, 32), (3, 32), (4, 32), (6, 48), (8, 48)])
def test_dsps_are_those_of_finns_packing(bits, expected):
    shapes = [dense(8, 64, bits, 8, bits), dense(64, 64, bits, bits, bits), dense(64, 4, bits, bits, 0)]
    assert sum(resources.dsps(s, Folding(4, 8), "dsp") for s in shapes) == expected


def test_the_lut_engine_has_no_dsps():
    assert resources.dsps(dense(64, 64, 8, 8, 8), Folding(64, 64), "lut") == 0


def test_cycles_are_the_folded_products():
    assert resources.cycles(dense(64, 32, 4, 4, 4), Folding(4, 8)) == 64


def test_shapes_are_the_policys():
    _, policy = random_policy((5, 17, 3), Bits(3, 2, 4), 0)
    first, last = resources.shapes(policy)
    assert (first.inputs, first.outputs, first.weight_bits, first.input_bits, first.act_bits) == (5, 17, 3, 4, 2)
    assert (last.inputs, last.outputs, last.input_bits, last.act_bits) == (17, 3, 2, 0)
    assert first.narrow and last.narrow
    assert 2 ** (first.acc_bits - 1) > policy.accumulator_bound(0)


@pytest.mark.parametrize("engine", resources.ENGINES)
def test_every_coefficient_is_there_and_not_negative(engine):
    assert (resources.coefficients(engine) >= 0).all()
    assert len(resources.coefficients(engine)) == len(resources.FEATURES)
