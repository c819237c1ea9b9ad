"""What a layer takes on engine ``rom``, from the structure of hw/engines/mvtu/rtl/mvtu.sv and the layer's own numbers.

Look-up tables are counted as the structure has them. Synthesis finds some savings and misses others, so each kind has
a coefficient near 1 in ``resources.yaml``, fitted to Yosys' figures by ``python -m quarl.build_flows.calibration.fit``.
"""
from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from quarl.build_flows.estimate import memories, rom_sums
from quarl.build_flows.estimate.counts import added
from quarl.build_flows.estimate.memories import multiplexer
from quarl.build_flows.estimate.rom_sums import Sums
from quarl.build_flows.estimate.width_converter import converter
from quarl.hw.engines.mvtu.design import PARALLEL, SMALL, Design, Style, takes
from quarl.hw.engines.mvtu.unit import Unit
from quarl.hw.engines.widths import index_bits

if TYPE_CHECKING:
    from quarl.build_flows.estimate.shape import Folding, Shape

FEATURES = ("memory", "unit", "counter bits", "row functions", "row additions", "row additions x index bits", "adders",
            "multiples", "weight ROM", "bias ROM", "comparisons", "searches", "input")
# Of more rows, or more bits of the weight ROM, than fit a board, some stand for all.
_MOST_ROWS, _SOME_ROWS, _MOST_BITS, _SOME_BITS = 1 << 13, 1 << 10, 1 << 19, 1 << 16
_HEIGHT = (0, 0, 1, 3, 6)       # look-up tables that read the height of a thermometer, by its bits


def design(shape: Shape, folding: Folding, lanes: int, style: Style = SMALL) -> Design:
    """The unit behind input beats of ``lanes`` codes; behind a width converter where it does not take them."""
    return Design(shape.inputs, shape.outputs, folding.pe, folding.simd, shape.weight_bits, shape.input_bits,
                  shape.act_bits or shape.acc_bits, bool(shape.act_bits),
                  lanes if takes(shape.inputs, folding.simd, lanes) else folding.simd, style)


def counts(shape: Shape, folding: Folding, lanes: int, style: Style = SMALL) -> dict[str, float]:
    """Look-up tables by :data:`FEATURES` (``memory``: those used as RAM), ``flip-flops`` and ``bram36``.

    ``lanes`` are the codes of an input beat.
    """
    return added(compute(shape, folding, style), input_side(shape, folding, lanes, style))


def parts(shape: Shape, folding: Folding, lanes: int) -> dict[tuple[str, ...], dict[str, float]]:
    """The same by kinds of nodes: a unit and the converter in front of it are measured together."""
    return {("unit", "converter"): counts(shape, folding, lanes)}


def dsps(shape: Shape, folding: Folding, style: Style, dsp_width: int) -> int:
    """DSP slices, where the style has any: two products in each."""
    return {"dsp": -(-folding.pe // 2) * folding.simd, "lut": 0}[style.products]


def compute(shape: Shape, folding: Folding, style: Style = SMALL) -> dict[str, float]:
    """The :func:`counts` of all but the unit's input side."""
    unit, d = shape.unit or _dense(shape), design(shape, folding, folding.simd, style)
    if d.passes == 1:      # biases are in the thresholds then
        unit = dataclasses.replace(unit, pe=d.outputs)
    width, bias, fraction = (int(unit.parameters[name]) for name in ("ACCUMULATOR_BITS", "BIAS_BITS", "FRACTION"))
    words = unit.weights.reshape(d.passes, d.pe, d.beats, d.simd).transpose(0, 2, 1, 3).reshape(d.cycles, d.pe, d.simd)
    sums, share = _sums(d, words, unit.input_signed, width)
    counters = index_bits(d.cycles) + index_bits(d.beats) + index_bits(d.passes)
    comparisons, searches, stages = _codes(d, unit, width + fraction)
    flip_flops = (share * sums.flip_flops + d.total_register * d.pe * width + stages + counters
                  + 3 * (1 + d.operand_register + d.sum_registers.bit_count()) + 2 * index_bits(d.queue)
                  + d.queue_register * d.pe * d.out_bits
                  + (d.group < d.pe) * -(-d.pe // d.group) * (2 + index_bits(d.cycles)))
    return {"memory": _ram(d.queue, d.pe * d.out_bits), "unit": 1, "counter bits": counters,
            "row functions": share * sums.functions, "row additions": share * sums.chains,
            "row additions x index bits": share * sums.chains * index_bits(d.cycles) * (d.form == "tables"),
            "adders": share * sums.tree + d.pe * width * (d.beats > 1 or bias > 0),
            "multiples": _multiples(d), "weight ROM": _weight_rom(d, words),
            "bias ROM": d.pe * bias * _rom(d.passes), "comparisons": comparisons, "searches": searches,
            "input": d.queue_register * d.pe * d.out_bits, "flip-flops": flip_flops,
            "bram36": memories.blocks(d.cycles, d.pe * d.simd * d.weight_bits) * (style.weight_rom == "block")}


def input_side(shape: Shape, folding: Folding, lanes: int, style: Style = SMALL) -> dict[str, float]:
    """The :func:`counts` of the replay buffer behind input beats, and of the width converter in front of it."""
    d = design(shape, folding, lanes, style)
    found: dict[str, float] = {}
    if d.buffered:
        banks, share = max(d.simd // d.in_lanes, 1), max(d.in_lanes // d.simd, 1)
        depth = 1 << index_bits(2 * d.beats // share if d.passes > 1 else 2)
        found = {"memory": banks * _ram(depth, max(d.in_lanes, d.simd // banks) * d.input_bits),
                 "input": d.simd * d.input_bits * multiplexer(share), "unit": 0.5,
                 "flip-flops": 3 * (index_bits(depth) + 1) + index_bits(share) + banks * (banks > 1)}
    if d.in_lanes != lanes:
        added = converter(lanes * d.input_bits, d.simd * d.input_bits)
        found |= {**added, "flip-flops": found.get("flip-flops", 0) + added["flip-flops"]}
    return found


def _sums(d: Design, words: np.ndarray, signed: bool, width: int) -> tuple[Sums, float]:
    """What the dot products of some channels take, and how many times that all of them do."""
    some = d.pe if d.pe * d.rows <= _MOST_ROWS else max(min(d.pe, _SOME_ROWS // d.rows), 1)
    if d.form == "dsp":
        rows = rom_sums.product_rows(d, some, width)
    else:
        rows = (rom_sums.table_rows if d.form == "tables" else rom_sums.digit_rows)(d, words[:, :some], signed, width)
    return rom_sums.count(rows, d), d.pe / some


def _weight_rom(d: Design, words: np.ndarray) -> float:
    """Look-up tables of the weight ROM: its bits that are neither constant nor the same as others."""
    if d.form == "tables" or d.style.weight_rom == "block":
        return 0
    lanes = d.pe * d.simd
    if (bits := d.cycles * d.weight_bits) * lanes > _MOST_BITS:
        lanes = max(min(lanes, _SOME_BITS // bits), 1)
    columns = words.reshape(d.cycles, -1)[:, :lanes, None] >> np.arange(d.weight_bits) & 1
    number = np.random.default_rng(0).integers(1, 2**62, d.cycles)
    found = np.unique(number @ columns.reshape(d.cycles, -1))
    different = np.count_nonzero((found != 0) & (found != number.sum()))
    return _rom(d.cycles) * different * d.pe * d.simd / lanes


def _multiples(d: Design) -> int:
    """The threefold and the negative of every code, where they do not merge with what selects them."""
    if d.form != "digits" or d.input_bits < 4:
        return 0
    return d.simd * (d.input_bits + 1 + (d.input_bits + 2) * (d.weight_bits > 2))


def _codes(d: Design, unit: Unit, width: int) -> tuple[float, float, int]:
    """Look-up tables of the comparisons and of the binary search for totals of ``width`` bits; flip-flops."""
    if unit.thresholds is None:
        return 0, 0, 0
    table = unit.thresholds if unit.affine is None else unit.affine.thresholds[None, :]
    low, high = (end[:, None] for end in unit.reach)
    if unit.affine is None and len(table) > 1:
        table = np.clip(table, low, high + 1)
    top = min(d.out_bits, PARALLEL)
    at = (np.arange(1, 2 ** top) << d.out_bits - top) - 1
    table = table[:, at[at < table.shape[1]]]
    stored = len(table) > 1 and d.passes > 1
    bits = int(unit.parameters["THRESHOLD_BITS"]) if stored else 0
    if stored:      # up to five bits that number the pass merge with the comparison
        comparisons = d.pe * table.shape[1] * (width + bits * _rom(d.passes) * (d.passes > 32))
    else:
        # A constant of so many bits above its trailing zeros takes a look-up table for six bits, and one for five more.
        lengths = [width + 1 - (int(t) & -int(t)).bit_length() for row in table for t in np.unique(row) if t]
        comparisons = sum(1 + max(-(-(n - 6) // 5), 0) for n in lengths if n > 1) * (d.pe if len(table) == 1 else 1)
    comparisons += d.pe * _HEIGHT[top]
    searches = sum(d.pe * (width * (1 + (_rom(1 << known) if known > 5 else 0)) + bits * _rom(d.passes << known))
                   for known in range(top, d.out_bits))
    stages = -(-(d.out_bits - top) // 2)
    return comparisons, searches, d.pe * (stages * (width + d.out_bits) + d.threshold_register * (width + 2 ** top))


def _rom(depth: int) -> int:
    """Look-up tables a bit of a ROM: one for 64 words; multiplexers are free up to 256 words, then one for 1024."""
    return 0 if depth == 1 else -(-depth // 64) + -(-(-(-depth // 256) - 1) // 3)


def _ram(depth: int, width: int) -> int:
    """Look-up tables of a distributed RAM with a port to write and one to read: four for 32 words of 6 bits."""
    return 4 * -(-width // 6) if depth <= 32 else 4 * -(-width // 3) * -(-depth // 64)


def _dense(shape: Shape) -> Unit:
    """A unit of ``shape`` with random numbers and few zeros, where the layer's own are not known."""
    rng, most = np.random.default_rng(0), 2 ** (shape.weight_bits - 1) - 1
    weights = rng.integers(-most, most, (shape.outputs, shape.inputs), endpoint=True)
    span = 2 ** (shape.acc_bits - 2)
    levels = np.sort(rng.integers(-span, span, (1, 2 ** shape.act_bits - 1))) if shape.act_bits else None
    return Unit(weights, levels, 1, 1, shape.weight_bits, shape.input_bits, False, shape.act_bits or shape.acc_bits, 1)
