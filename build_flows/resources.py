"""What a folded layer takes before synthesis: LUTs, flip-flops and block RAMs by a model, DSPs and cycles exactly.

The structure of the RTL says how many look-up tables of each kind there are (:mod:`build_flows.rom_resources`,
:mod:`build_flows.finn_resources`); what synthesis makes of a kind is in ``resources.yaml``, fitted by ``python -m
build_flows.calibrate``.
"""
from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from build_flows import finn_resources, rom_resources
from host.errors import UserError
from host.policy import Policy
from hw.mvtu import Unit
from hw.mvtu_design import SMALL, Style

ENGINES = ("rom", "dsp", "lut")
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


def dsps(shape: Shape, folding: Folding, engine: str, style: Style = SMALL, dsp_width: int = 25) -> int:
    """DSP slices whose wide port has ``dsp_width`` bits: 25 in a DSP48E1, 27 in a DSP48E2.

    FINN's unit lays several weights side by side in that port (its mvu.sv); ours, where it uses any, two.
    """
    if engine == "rom":
        return math.ceil(folding.pe / 2) * folding.simd if style.products == "dsp" else 0
    if engine == "lut":
        return 0
    lanes = 1 + (dsp_width - (not shape.narrow) - shape.weight_bits) // (shape.weight_bits + shape.input_bits - 1)
    return math.ceil(folding.pe / lanes) * folding.simd


def estimate(shape: Shape, folding: Folding, engine: str, lanes: int = NO_LANES, style: Style = SMALL,
             dsp_width: int = 25) -> dict[str, float]:
    """All that the layer takes behind input beats of ``lanes`` codes, by the names that synthesis has for it."""
    counts = finn_resources.added(_compute(shape, folding, engine, style), _input_side(shape, folding, engine, lanes,
                                                                                      style))
    return {"lut": _sum(counts), "lut_memory": counts.get("memory", 0), "ff": counts["flip-flops"],
            "dsp": dsps(shape, folding, engine, style, dsp_width), "bram36": counts.get("bram36", 0)}


def luts(shape: Shape, folding: Folding, engine: str, lanes: int = NO_LANES, style: Style = SMALL) -> float:
    """Estimated LUTs of the layer behind input beats of ``lanes`` codes."""
    return compute_cost(shape, folding, engine, style)[0] + input_luts(shape, folding, engine, lanes, style)


def compute_cost(shape: Shape, folding: Folding, engine: str, style: Style = SMALL) -> tuple[float, float]:
    """The part of :func:`luts` that does not depend on the input beats, and the layer's BRAMs of 36 kbit."""
    counts = _compute(shape, folding, engine, style)
    return _sum(counts), counts.get("bram36", 0)


def input_luts(shape: Shape, folding: Folding, engine: str, lanes: int, style: Style = SMALL) -> float:
    """The part of :func:`luts` that depends on the input beats."""
    return _sum(_input_side(shape, folding, engine, lanes, style))


def _compute(shape: Shape, folding: Folding, engine: str, style: Style) -> dict[str, float]:
    if engine == "rom":
        return rom_resources.compute(shape, folding, style)
    return finn_resources.compute(shape, folding, engine)


def _input_side(shape: Shape, folding: Folding, engine: str, lanes: int, style: Style) -> dict[str, float]:
    if engine == "rom":
        return rom_resources.input_side(shape, folding, lanes or folding.simd, style)
    return finn_resources.input_side(shape, folding, lanes or folding.simd)


def _sum(counts: dict[str, float]) -> float:
    return sum(cost * counts.get(name, 0) for name, cost in coefficients().items())


def coefficients() -> dict[str, float]:
    """LUTs that synthesis makes of each that the structure counts, by kind."""
    found: dict[str, float] = _table()["lut"]
    return found


def shell_luts() -> float:
    """LUTs of the bridge around the accelerator, as measured."""
    return float(_table()["shell"])


def forget() -> None:
    """Read ``resources.yaml`` again: it was written anew."""
    _table.cache_clear()


@functools.cache
def _table() -> dict[str, Any]:
    import yaml
    table: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("resources.yaml").read_text())
    return table
