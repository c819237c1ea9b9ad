"""What a folded layer costs before synthesis: LUTs by a linear model, DSPs exactly, cycles.

The model's coefficients are in ``resources.yaml``, set by hand;
``python -m build_flows.calibrate`` measures and fits them anew.
"""
from __future__ import annotations

import dataclasses
import functools
import math
from pathlib import Path

import numpy as np

from host.policy import Policy

ENGINES = ("dsp", "lut")
FEATURES = ("constant", "multiplier bits", "product bits", "accumulator bits", "weight bits per cycle",
            "weight bits stored", "input bits per cycle", "threshold bits stored", "comparator bits")


@dataclasses.dataclass(frozen=True)
class Shape:
    """A dense layer as hardware sees it: sizes, bit widths, and whether thresholds follow (``act_bits`` 0: none)."""

    inputs: int
    outputs: int
    weight_bits: int
    input_bits: int
    act_bits: int
    acc_bits: int
    narrow: bool            # no weight is the most negative value: FINN packs such weights more tightly


@dataclasses.dataclass(frozen=True)
class Folding:
    """``pe`` output channels and ``simd`` inputs are processed in each clock cycle; they divide the layer's sizes."""

    pe: int
    simd: int


def shapes(policy: Policy) -> list[Shape]:
    """The hardware shape of every layer of ``policy``."""
    result = []
    for index, layer in enumerate(policy.layers):
        before = policy.input_bits if index == 0 else policy.layers[index - 1].act_bits or 0
        result.append(Shape(
            inputs=layer.weights.shape[1], outputs=layer.weights.shape[0], weight_bits=layer.weight_bits,
            input_bits=before, act_bits=layer.act_bits or 0,
            acc_bits=1 + policy.accumulator_bound(index).bit_length(),
            narrow=bool(layer.weights.min() > -2 ** (layer.weight_bits - 1))))
    return result


def cycles(shape: Shape, folding: Folding) -> int:
    """Clock cycles that one inference keeps the matrix-vector unit busy."""
    return (shape.inputs // folding.simd) * (shape.outputs // folding.pe)


def dsps(shape: Shape, folding: Folding, engine: str) -> int:
    """DSP48E1 slices: several weights share one, side by side in its wide port (FINN's mvu.sv)."""
    if engine != "dsp":
        return 0
    lanes = 1 + (25 - (not shape.narrow) - shape.weight_bits) // (shape.weight_bits + shape.input_bits - 1)
    return math.ceil(folding.pe / lanes) * folding.simd


def features(shape: Shape, folding: Folding) -> np.ndarray:
    """The quantities that :data:`FEATURES` names, float64."""
    lanes = folding.pe * folding.simd
    steps = 2 ** shape.act_bits - 1
    return np.array([
        1, lanes * shape.weight_bits * shape.input_bits, lanes * (shape.weight_bits + shape.input_bits),
        folding.pe * shape.acc_bits, lanes * shape.weight_bits, shape.inputs * shape.outputs * shape.weight_bits,
        folding.simd * shape.input_bits, shape.outputs * steps * shape.acc_bits,
        folding.pe * shape.act_bits * shape.acc_bits], np.float64)


@functools.cache
def coefficients(engine: str) -> np.ndarray:
    """LUTs per unit of each feature for ``engine``, float64 [len(FEATURES)]."""
    import yaml
    table = yaml.safe_load(Path(__file__).with_name("resources.yaml").read_text())["lut"][engine]
    return np.array([table[name] for name in FEATURES])


def luts(shape: Shape, folding: Folding, engine: str) -> float:
    """Estimated LUTs of the layer with its thresholds, FIFOs and width converter."""
    return float(features(shape, folding) @ coefficients(engine))


@functools.cache
def shell_luts() -> float:
    """LUTs of the bridge around the accelerator, as measured."""
    import yaml
    return float(yaml.safe_load(Path(__file__).with_name("resources.yaml").read_text())["shell"])
