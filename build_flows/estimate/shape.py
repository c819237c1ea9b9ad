"""A layer as hardware sees it, and how it is folded."""
from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from quarl.host.errors import UserError
from quarl.host.policy import Policy
from quarl.hw.engines.mvtu.unit import Unit

NO_LANES = 0            # in front of the first layer, beats are as wide as it asks for


@dataclasses.dataclass(frozen=True)
class Shape:
    """A dense layer as hardware sees it: sizes, bit widths, and whether thresholds follow (``act_bits`` 0: none).

    ``unit``, the layer on engine rom without folding, tells what its numbers save there; without it they are taken
    to be random.
    """

    inputs: int
    outputs: int
    weight_bits: int
    input_bits: int
    act_bits: int
    acc_bits: int
    narrow: bool            # no weight is the most negative value: FINN packs such weights more tightly
    unit: Unit | None = dataclasses.field(default=None, compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class Folding:
    """``pe`` output channels and ``simd`` inputs are processed in each clock cycle; they divide the layer's sizes."""

    pe: int
    simd: int


def refuse_pixels(policy: Policy) -> None:
    """Raise :class:`UserError` for a policy that cannot be built because it reads pixels."""
    if policy.pixels:
        raise UserError("a policy that is built must read a vector of features",
                        "a policy of pixels, %s" % (policy.observation_shape,), "run it with --device integer")


def shapes(policy: Policy) -> list[Shape]:
    """The hardware shape of every layer of ``policy``. Raises :class:`UserError` for one that reads pixels."""
    refuse_pixels(policy)
    result = []
    for index, layer in enumerate(policy.layers):
        before = policy.input_bits if index == 0 else policy.layers[index - 1].act_bits or 0
        bits = 1 + policy.accumulator_bound(index).bit_length()
        table = layer.thresholds
        if table is not None:
            table = (table[:1] if (table == table[0]).all() else table).astype(np.int64)
        unit = Unit(layer.weights.astype(np.int64), table, 1, 1, layer.weight_bits, before, index == 0,
                    layer.act_bits or bits, 1)
        result.append(Shape(
            inputs=layer.weights.shape[1], outputs=layer.weights.shape[0], weight_bits=layer.weight_bits,
            input_bits=before, act_bits=layer.act_bits or 0, acc_bits=bits,
            narrow=bool(layer.weights.min() > -2 ** (layer.weight_bits - 1)), unit=unit))
    return result


def shapes_of(sizes: Sequence[int], bits: int, input_bits: int) -> list[Shape]:
    """The hardware shapes of a policy of these sizes and widths whose numbers are not known: accumulators are as wide
    as they can become."""
    result = []
    for index, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        before = bits if index else input_bits
        bound = inputs * (2 ** (bits - 1) - 1) * (2 ** bits - 1 if index else 2 ** (input_bits - 1))
        result.append(Shape(inputs, outputs, bits, before, bits if index < len(sizes) - 2 else 0,
                            1 + bound.bit_length(), narrow=True))
    return result


def cycles(shape: Shape, folding: Folding) -> int:
    """Clock cycles that one inference keeps the matrix-vector unit busy."""
    return (shape.inputs // folding.simd) * (shape.outputs // folding.pe)
