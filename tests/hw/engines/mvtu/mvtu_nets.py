"""Random nets of matrix-vector-threshold units, and inputs that reach their extremes."""
from __future__ import annotations

import dataclasses

import numpy as np

from quarl.hw.engines.mvtu.design import PRODUCTS, Style, takes
from quarl.hw.engines.mvtu.unit import Unit

_PARTS = (1, 1, 2, 3, 4, 5, 7, 8, 13, 15)     # of a vector: SIMD, PE, and how many of them there are
_MOST_STEPS, _MOST_PRODUCTS, _MOST_THRESHOLDS = 40, 24, 500
# Timing and weight ROM.
_STYLES = (("small", "lut"), ("balanced", "lut"), ("fast-clock", "lut"), ("fast-clock", "block"))
Rng = np.random.Generator


def random_net(rng: Rng) -> list[Unit]:
    """A chain of one to three units."""
    length = rng.choice([1, 2, 3], p=[0.6, 0.25, 0.15])
    net: list[Unit] = []
    while len(net) < length:
        net.append(_random_unit(rng, net[-1] if net else None, last=len(net) == length - 1))
    return net


def random_codes(unit: Unit, count: int, rng: Rng) -> np.ndarray:
    """Inputs [count, MW]: the ends of the range everywhere, for every channel what makes it greatest and least, mixed
    ends, lone ones, and the rest anything."""
    low, high = input_range(unit)
    width = unit.weights.shape[1]
    channels = unit.weights[rng.permutation(len(unit.weights))[:20]]
    ends = rng.integers(0, 2, (20, width))
    rows = [np.full((1, width), low), np.full((1, width), high), np.where(channels > 0, high, low),
            np.where(channels > 0, low, high), np.where(ends, high, low), np.eye(width, dtype=int)[:20] * high]
    codes = np.concatenate(rows)
    return rng.permutation(np.concatenate([codes, rng.integers(low, high + 1, (count, width))])[:count])


def input_range(unit: Unit) -> tuple[int, int]:
    """Least and greatest input code."""
    half = 1 << unit.input_bits - 1
    return (-half, half - 1) if unit.input_signed else (0, 2 * half - 1)


def features(unit: Unit) -> set[str]:
    """What is special about a unit: for a test that the nets together have everything."""
    design, parameters = unit.design, unit.parameters
    share = design.in_lanes // design.simd
    found = {design.form, design.style.timing, f"{design.style.weight_rom} ROM", f"{design.weight_bits}-bit weights",
             f"{design.input_bits}-bit {'signed' if unit.input_signed else 'unsigned'} inputs"}
    special = {
        "held": not design.buffered, "replayed": design.buffered and design.passes > 1,
        "narrow beats": design.in_lanes < design.simd, "wide beats": share > 1, "odd share": bool(share & share - 1),
        "one input": design.inputs == 1, "one output": design.outputs == 1, "SIMD = MW": design.simd == design.inputs,
        "PE = MH": design.pe == design.outputs, "SIMD = 2^k - 1": design.simd in (3, 7, 15),
        "odd beats": bool(design.beats & design.beats - 1), "odd passes": bool(design.passes & design.passes - 1),
        "registers in the sum": design.sum_registers > 1, "no total register": not design.total_register,
        "long queue": design.queue > 4}
    if unit.thresholds is None:
        special["accumulators"] = True
    else:
        found.add(f"{design.out_bits}-bit codes")
        special |= {
            "one row": len(unit.thresholds) == 1, "factored": unit.affine is not None,
            "table": not parameters["SHARED"], "bias": bool(parameters["BIAS_BITS"]),
            "fraction": bool(parameters["FRACTION"]),
            "few thresholds": unit.thresholds.shape[1] < (1 << design.out_bits) - 1,
            "ties": bool((np.diff(unit.thresholds) == 0).any()), "out of reach": bool((unit.thresholds < -2**29).any()),
            "signed codes": unit.offset < 0, "codes from above 0": unit.offset > 0}
    return found | {name for name, present in special.items() if present}


def describe(unit: Unit) -> str:
    """A unit in one line; thresholds and weights by their shapes and ranges."""
    thresholds = "none" if unit.thresholds is None else (
        f"{unit.thresholds.shape} of {unit.thresholds.min()} to {unit.thresholds.max()}")
    parameters = ", ".join(f"{name}={value}" for name, value in unit.parameters.items())
    return f"weights {unit.weights.min()} to {unit.weights.max()}, thresholds {thresholds}, {parameters}"


def _random_unit(rng: Rng, before: Unit | None, last: bool) -> Unit:
    """A unit that takes the beats of the one before."""
    while True:
        simd, beats, pe, passes = rng.choice(_PARTS, 4)
        bits, signed, lanes = _random_bits(rng), bool(rng.integers(2)), None
        if before is not None:
            lanes, beats = before.pe, len(before.weights) // simd
            bits, signed = before.out_bits, before.offset < 0
            if len(before.weights) % simd or not takes(len(before.weights), simd, lanes):
                continue
        if beats * passes <= _MOST_STEPS and pe * simd <= _MOST_PRODUCTS:
            break
    shape = int(pe * passes), int(simd * beats)
    if lanes is None:
        lanes = rng.choice([n for n in range(1, shape[1] + 1) if takes(shape[1], simd, n)])
    weight_bits = _random_bits(rng)
    products = str(rng.choice(PRODUCTS, p=[0.7, 0.3]))
    timing, weight_rom = _STYLES[rng.choice(4, p=[0.35, 0.3, 0.175, 0.175])]
    unit = Unit(_random_weights(rng, shape, weight_bits), None, int(pe), int(simd), weight_bits, bits, signed, 1,
                int(lanes), style=Style(timing, products, weight_rom))
    return _with_outputs(unit, rng, accumulators=last and rng.random() < 0.3)


def _random_bits(rng: Rng) -> int:
    return int(rng.choice(9, p=[0, 0.02, *[0.14] * 7]))


def _random_weights(rng: Rng, shape: tuple[int, int], bits: int) -> np.ndarray:
    half = 1 << bits - 1
    kind = rng.choice(["any", "least", "greatest", "ends", "few"], p=[0.6, 0.1, 0.1, 0.1, 0.1])
    if kind in ("least", "greatest"):
        return np.full(shape, -half if kind == "least" else half - 1)
    if kind == "ends":
        return np.where(rng.integers(0, 2, shape), half - 1, -half)
    return rng.integers(-half, half, shape) * (kind == "any" or rng.random(shape) < 0.1)


def _with_outputs(unit: Unit, rng: Rng, accumulators: bool) -> Unit:
    """The unit with thresholds where its accumulators are, or accumulators out: all bits, more, or the lower ones."""
    if accumulators:
        low, high = unit.reach
        bits = 1 + max(int(high.max()), -int(low.min()) - 1, 1).bit_length()
        return dataclasses.replace(unit, out_bits=max(1, bits + int(rng.choice([0, 0, 1, 5, -2]))))
    bits = _random_bits(rng)
    most = min((1 << bits) - 1, _MOST_THRESHOLDS // len(unit.weights))
    count = most if rng.random() < 0.6 else int(rng.integers(1, most + 1))
    bits = min(8, bits + int(rng.choice([0, 0, 0, 1, 3])))
    half = 1 << bits - 1
    offset = int(rng.choice([0, -half, rng.integers(-half, half - count), rng.integers(2 * half - count)]))
    return dataclasses.replace(unit, out_bits=bits, offset=offset, thresholds=_random_thresholds(unit, rng, count))


def _random_thresholds(unit: Unit, rng: Rng, count: int) -> np.ndarray:
    """Thresholds [MH or 1, count] that many accumulators reach just or just not."""
    found = random_codes(unit, 100, rng) @ unit.weights.T
    kind = rng.choice(["shared", "affine", "equal", "any", "outside"], p=[0.2, 0.35, 0.05, 0.3, 0.1])
    if kind == "affine":
        bias = rng.uniform(-1, 1, len(unit.weights)) * found.std() * rng.choice([0.1, 1, 3])
        step = max(found.std(), 1) * rng.uniform(0.5, 6) / count
        return np.ceil(step * (np.arange(count) - count * rng.uniform(0.2, 0.8)) - bias[:, None]).astype(np.int64)
    if kind in ("shared", "equal"):
        return np.repeat(np.sort(rng.choice(found.ravel(), (1, count)) + rng.integers(0, 2, (1, count))),
                         1 if kind == "shared" else len(unit.weights), axis=0)
    table = np.stack([rng.choice(channel, count) for channel in found.T]) + rng.integers(0, 2, (len(found.T), count))
    if kind == "outside":
        table = np.where(rng.random(table.shape) < 0.4, rng.choice([-2**30, 2**30 - 1], table.shape), table)
    return np.sort(table, axis=1)
