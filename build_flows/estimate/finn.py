"""What a layer takes on FINN's engines ``dsp`` and ``lut``, from the structure of FINN's RTL and the layer's numbers.

As in :mod:`quarl.build_flows.estimate.rom`, look-up tables are counted as the structure has them, and each kind has a
coefficient near 1 in ``resources.yaml``.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quarl.build_flows.estimate import memories
from quarl.build_flows.estimate.counts import added
from quarl.build_flows.estimate.memories import multiplexer
from quarl.build_flows.estimate.width_converter import converter
from quarl.hw.engines.widths import index_bits, signed_bits, whole_bytes

if TYPE_CHECKING:
    from quarl.build_flows.estimate.shape import Folding, Shape

FEATURES = ("memory", "frames", "thresholdings", "fifos", "queue bits", "stream bits", "control bits",
            "product rows", "signed product rows", "product bits", "addends", "sums", "lanes", "tree bits",
            "overflow bits", "results", "compared bits", "threshold ROM")
_CREDIT = 7         # beats that the weights' streamer holds, beside its output register
_DSP_WIDTH = 25     # bits of the wide port of the slices that the model is fitted for, DSP48E1


def compute(shape: Shape, folding: Folding, engine: str) -> dict[str, float]:
    """Look-up tables by :data:`FEATURES`, ``flip-flops`` and ``bram36`` of all that does not depend on the input beats.

    That is the matrix-vector unit with its weights, the FIFO behind it, and the thresholding.
    """
    return added(unit(shape, folding, engine), _output_fifo(shape, folding), thresholds(shape, folding))


def input_side(shape: Shape, folding: Folding, lanes: int) -> dict[str, float]:
    """The same of what stands in front of the unit: a FIFO, and a width converter with another one where beats of
    ``lanes`` codes are not those of the unit."""
    return added(_input_fifos(shape, folding, lanes), _input_converter(shape, folding, lanes))


def parts(shape: Shape, folding: Folding, engine: str, lanes: int) -> dict[tuple[str, ...], dict[str, float]]:
    """The same by kinds of FINN's nodes."""
    return {("unit",): unit(shape, folding, engine), ("thresholds",): thresholds(shape, folding),
            ("fifos",): added(_input_fifos(shape, folding, lanes), _output_fifo(shape, folding)),
            ("converter",): _input_converter(shape, folding, lanes)}


def dsps(shape: Shape, folding: Folding, engine: str, dsp_width: int) -> int:
    """DSP slices, in whose wide port FINN lays several weights side by side (its mvu.sv)."""
    lanes = 1 + (dsp_width - (not shape.narrow) - shape.weight_bits) // (shape.weight_bits + shape.input_bits - 1)
    return {"dsp": -(-folding.pe // lanes) * folding.simd, "lut": 0}[engine]


def _fifo(bits: int) -> dict[str, float]:
    """Four registers for each bit, a look-up table that chooses among them, and a register behind."""
    return {"fifos": 1, "stream bits": whole_bytes(bits), "flip-flops": 5 + 5 * whole_bytes(bits)}


def _input_fifos(shape: Shape, folding: Folding, lanes: int) -> dict[str, float]:
    wanted = _fifo(folding.simd * shape.input_bits)
    return wanted if lanes == folding.simd else added(_fifo(lanes * shape.input_bits), wanted)


def _input_converter(shape: Shape, folding: Folding, lanes: int) -> dict[str, float]:
    return {} if lanes == folding.simd else converter(lanes * shape.input_bits, folding.simd * shape.input_bits)


def _output_fifo(shape: Shape, folding: Folding) -> dict[str, float]:
    return _fifo(folding.pe * _accumulator_bits(shape))


def unit(shape: Shape, folding: Folding, engine: str) -> dict[str, float]:
    """The matrix-vector unit with the streamer of its weights."""
    bits = _accumulator_bits(shape)
    core = {"lut": _core_lut, "dsp": _core_dsp}[engine](shape, folding, bits)
    return added(_weights(shape, folding), _replayed(shape, folding), core, _queue(folding, bits))


def _accumulator_bits(shape: Shape) -> int:
    """The least that hold every accumulator; FINN rounds the last layer's up to bytes."""
    bits = shape.acc_bits
    if shape.unit is not None:
        low, high = shape.unit.reach
        bits = signed_bits(int(low.min()), int(high.max()))
    return bits if shape.act_bits else whole_bytes(bits)


def _weights(shape: Shape, folding: Folding) -> dict[str, float]:
    """The streamer: a memory with two registers, a queue, a register. Weights of a single word are constants."""
    products = folding.pe * folding.simd
    depth, bits = shape.inputs * shape.outputs // products, products * shape.weight_bits
    if depth == 1:
        return {"control bits": 8, "flip-flops": 12}
    lut, chosen, bram = memories.writable(depth, bits)
    return {"memory": lut, "bram36": bram, "queue bits": bits * multiplexer(_CREDIT) + chosen,
            "control bits": 8 + 2 * index_bits(depth),
            "flip-flops": (3 + _CREDIT - 2 * (bram > 0)) * bits + 12 + 2 * index_bits(depth)}


def _replayed(shape: Shape, folding: Folding) -> dict[str, float]:
    """The replay buffer, which a single pass needs only to count."""
    words, passes = shape.inputs // folding.simd, shape.outputs // folding.pe
    counters = index_bits(words) + (words > 1)
    if passes == 1:
        return {"control bits": counters, "flip-flops": counters}
    address, bits = max(index_bits(words), 1), folding.simd * shape.input_bits
    lut, chosen, bram = memories.two_ports(1 << address, bits)
    control = counters + index_bits(passes) + 1 + 3 * (address + 1)
    return {"memory": lut, "bram36": bram, "queue bits": chosen, "control bits": control,
            "flip-flops": control + 2 + bits * (bram == 0)}


def _queue(folding: Folding, bits: int) -> dict[str, float]:
    """The unit's output queue: as many registers as results can be under way, one of which is chosen."""
    depth = 6 + folding.simd.bit_length() + (folding.simd == 1)
    width = folding.pe * bits
    return {"frames": 1, "queue bits": width * multiplexer(depth),
            "flip-flops": width * (depth + 1) + 3 + index_bits(depth)}


def _core_lut(shape: Shape, folding: Folding, bits: int) -> dict[str, float]:
    """hw/engines/finn/rtl/mvu_lut.sv: products in registers, their sum, the accumulator.

    Yosys adds up the rows of a product, one for each bit of the narrower factor, in full adders.
    """
    lanes, signed = folding.pe * folding.simd, shape.unit is not None and shape.unit.input_signed
    product = shape.weight_bits + shape.input_bits
    rows, length = sorted((shape.weight_bits, shape.input_bits))
    total = min(product + index_bits(folding.simd), bits)
    return {"signed product rows" if signed else "product rows": lanes * (rows - 1) * length,
            "product bits": lanes * product, "addends": folding.pe * max(folding.simd - 2, 0) * total,
            "sums": folding.pe * (total * (folding.simd > 1) + bits),
            "flip-flops": lanes * product + folding.pe * (total + bits) + 15}


def _core_dsp(shape: Shape, folding: Folding, bits: int) -> dict[str, float]:
    """FINN's mvu.sv: channels side by side in a DSP slice, what flows over between them, and trees of adders."""
    offsets = _lanes(shape, bits)
    most, simd, adders = len(offsets) - 1, folding.simd, _tree(folding.simd)
    # Summands that a level of the tree passes on; a single one waits a cycle.
    waiting = (1 << index_bits(simd)) - simd if simd > 1 else 1
    found: dict[str, float] = {"flip-flops": 4 + index_bits(simd) + (simd == 1)}
    for begin in range(0, folding.pe, most):
        unused = most - min(most, folding.pe - begin)
        tree = overflow = results = flip_flops = 0
        for lane in range(unused, most):
            low = offsets[lane + 1] - offsets[lane]
            high = _high_bits(offsets, lane, bits, simd)
            lows = [min(_sum_width(n, low), bits) for n in adders]
            highs = [1 + index_bits(n + 1) for n in adders] if high else []
            tree += sum(lows)
            overflow += sum(highs) + high
            results += bits + min(high, max(bits - low, 0))
            flip_flops += sum(lows) + sum(highs[1:]) + waiting * (min(low, bits) + 2 * (high > 0)) + high + bits
        crossings = (most - unused - 1) * simd
        found = added(found, {"lanes": crossings, "tree bits": tree, "overflow bits": overflow, "results": results,
                               "flip-flops": flip_flops + 6 * crossings
                               + simd * (_high_bits(offsets, most - 1, bits, simd) > 0)})
    return found


def _lanes(shape: Shape, bits: int) -> list[int]:
    """Where the channels lie in the DSP slice's wide port, and the end of the last: mvu.sv's ``sliceLanes``."""
    least = shape.weight_bits + shape.input_bits - 1
    room = _DSP_WIDTH - (not shape.narrow) - shape.weight_bits
    count, slack, found = 1 + room // least, room % least, [0]
    for lane in range(1, count):
        extra = -(-slack // (count - lane))
        found.append(found[-1] + least + extra)
        slack -= extra
    return [*found, min(found[-1] + bits, 48)]


def _high_bits(offsets: list[int], lane: int, bits: int, simd: int) -> int:
    """Bits of a channel's sum beyond its lane: mvu.sv's ``hi_width``."""
    low = offsets[lane + 1] - offsets[lane]
    if bits <= low:
        return 0 if lane == len(offsets) - 2 else 1 + index_bits(simd)
    if index_bits(simd) < bits - low - 1:
        return 1 + bits - low
    total = sum(2 ** max(bits - (offsets[lane + 1] - offsets[k]) - 1, 0) for k in range(lane + 1))
    return 1 + index_bits(total + simd)


def _tree(leaves: int) -> list[int]:
    """How many leaves each adder of FINN's tree sums, the root first."""
    loads = [1] * (2 * leaves - 1)
    for node in reversed(range(leaves - 1)):
        loads[node] = loads[2 * node + 1] + loads[2 * node + 2]
    return loads[:leaves - 1]


def _sum_width(count: int, bits: int) -> int:
    return index_bits(1 + count * (2 ** bits - 1)) if bits <= 16 else bits + index_bits(count)


def thresholds(shape: Shape, folding: Folding) -> dict[str, float]:
    """FINN's binary search (its thresholding.sv): a comparison and a memory of thresholds for each bit of a code."""
    if not shape.act_bits:
        return {}
    pe, stages, folds = folding.pe, shape.act_bits, shape.outputs // folding.pe
    table = None if shape.unit is None else shape.unit.thresholds
    width = shape.acc_bits if table is None else signed_bits(int(table.min()), int(table.max()))
    found: dict[str, float] = {"thresholdings": 1}
    depth = 2 * stages + 2
    control = (stages + index_bits(folds) * (stages - 1)) * 2 + index_bits(folds) + index_bits(depth + 1) \
        + index_bits(depth) + 4
    found |= {"queue bits": pe * stages * multiplexer(depth), "compared bits": pe * stages * width,
              "control bits": control,
              "flip-flops": pe * (stages * (depth + 1) + width * (2 * stages - 1) + stages ** 2) + control}
    for stage in range(stages):
        rom, registers, bram = memories.constant(
            folds << stage, width, pe, None if table is None else _stage(
                np.broadcast_to(table, (shape.outputs, table.shape[1])), pe, stage, stages, width))
        found = added(found, {"threshold ROM": rom, "flip-flops": registers, "bram36": bram})
    return found


def _stage(table: np.ndarray, pe: int, stage: int, stages: int, width: int) -> np.ndarray:
    """The bits of a stage's memories: bool [words, PE * width]."""
    places = np.arange(1 << stage) * (1 << stages - stage) + (1 << stages - stage - 1) - 1
    padded = np.pad(table, ((0, 0), (0, (1 << stages) - 1 - table.shape[1])), mode="edge")
    values = padded[:, places].reshape(len(table) // pe, pe, -1).transpose(0, 2, 1).reshape(-1, pe)
    return (values[:, :, None] >> np.arange(width) & 1).reshape(len(values), -1).astype(bool)
