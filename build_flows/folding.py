"""The folding: how much of each layer works in parallel, chosen so that the design fits the board.

The choices of the layers add up, in LUTs, DSPs and cycles alike, so the best combinations are found exactly by
adding one layer at a time and keeping only what nothing else beats (a Pareto frontier).
"""
from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from build_flows import resources
from build_flows.resources import Folding, Shape
from host.errors import UserError
from hw.boards import Board

FOLDS = ("min-area", "balanced", "min-latency")
# Cycles that the pipeline itself takes, beyond the folded work: FIFOs and queues of a layer, its width converter if
# there is one, what a single pass saves in the replay buffer, the stages of the thresholds' binary search per bit, the
# bridge. Measured on the emulated RTL, and exact for every engine, width and folding that the slow tests build.
LAYER_CYCLES, CONVERTER_CYCLES, SINGLE_PASS_CYCLES, THRESHOLD_CYCLES_PER_BIT, BRIDGE_CYCLES = 9, 3, -2, 2, 1
NO_LANES = 0
MARGIN = 1.1            # the LUT model errs by some per cent; what is chosen must fit after synthesis too


@dataclasses.dataclass(frozen=True)
class Plan:
    """A folding for every layer, with what it is predicted to cost."""

    engine: str
    fold: str
    shapes: tuple[Shape, ...]
    layers: tuple[Folding, ...]
    lut: int
    dsp: int
    latency: int

    @property
    def interval(self) -> int:
        """Cycles between two inferences in a full pipeline: the slowest layer's."""
        return max(resources.cycles(s, f) for s, f in zip(self.shapes, self.layers, strict=True))

    def report(self, max_lut_percent: float) -> dict[str, Any]:
        """The plan as ``accel/reports/estimate.json`` holds it."""
        rows = [{"layer": i, "inputs": s.inputs, "outputs": s.outputs, "weight_bits": s.weight_bits,
                 "act_bits": s.act_bits or None, "pe": f.pe, "simd": f.simd, "cycles": resources.cycles(s, f),
                 "lut": round(resources.luts(s, f, self.engine)), "dsp": resources.dsps(s, f, self.engine)}
                for i, (s, f) in enumerate(zip(self.shapes, self.layers, strict=True))]
        return {"engine": self.engine, "fold": self.fold, "max_lut_percent": max_lut_percent, "layers": rows,
                "predicted": {"latency_cycles": self.latency, "interval_cycles": self.interval, "lut": self.lut,
                              "dsp": self.dsp}}


def compute_depth(folding: Folding, engine: str) -> int:
    """Pipeline stages of the multiply-accumulate: fixed for ``lut``, FINN's adder tree for ``dsp`` (its mvu.sv)."""
    if engine == "lut":
        return 3
    return 4 + (folding.simd - 1).bit_length() + (folding.simd == 1)


def follow(shape: Shape, folding: Folding, engine: str, first: float, last: float,
           lanes: int) -> tuple[float, float]:
    """Cycles at which the layer's first and last output beats come, given those of its inputs.

    Input beats of ``lanes`` codes come from cycle ``first`` to cycle ``last``; the first layer's come as it asks for
    them (:data:`NO_LANES`). The layer works on its first output channels while inputs still arrive, and keeps the
    inputs for its other channels.
    """
    beats, passes = shape.inputs // folding.simd, shape.outputs // folding.pe
    heard = max(first + beats, last + math.ceil(lanes / folding.simd))
    pipeline = LAYER_CYCLES + compute_depth(folding, engine) + THRESHOLD_CYCLES_PER_BIT * shape.act_bits
    pipeline += CONVERTER_CYCLES * (lanes not in (NO_LANES, folding.simd)) + SINGLE_PASS_CYCLES * (passes == 1)
    return heard + pipeline, heard + (passes - 1) * beats + pipeline


def choose(shapes: Sequence[Shape], engine: str, fold: str, board: Board, max_lut_percent: float) -> Plan:
    """The folding for ``fold``: the smallest design, the fastest that fits, or the best product of the two.

    Raises :class:`UserError` where not even the smallest design fits ``max_lut_percent`` of the board's LUTs and all
    its DSPs.
    """
    costs, choices = _frontier(shapes, engine)
    fits = (costs[:, 0] * MARGIN <= board.lut * max_lut_percent / 100) & (costs[:, 1] <= board.dsp)
    if not fits.any():
        smallest = costs[costs[:, 0].argmin()]
        raise UserError(
            "the design must fit %g %% of the %d LUTs and the %d DSPs of %s" % (max_lut_percent, board.lut, board.dsp,
                                                                             board.name),
            "about %d LUTs and %d DSPs for the smallest folding" % (smallest[0], smallest[1]),
            "train with fewer bits or smaller layers, or raise --max-lut-percent")
    order = {"min-area": (costs[:, 2], costs[:, 1], costs[:, 0]),      # the last key decides first
             "balanced": (costs[:, 0], costs[:, 0] * costs[:, 2]),
             "min-latency": (costs[:, 1], costs[:, 0], costs[:, 2])}[fold]
    best = next(int(index) for index in np.lexsort(order) if fits[index])
    lut, dsp, cycles = costs[best]
    return Plan(engine, fold, tuple(shapes), choices[best], round(lut), int(dsp), int(cycles))


def options(shape: Shape) -> list[Folding]:
    """Every folding of a layer: SIMD divides its inputs, PE its outputs (FINN's rule)."""
    return [Folding(pe, simd) for pe in _divisors(shape.outputs) for simd in _divisors(shape.inputs)]


def _divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


def _frontier(shapes: Sequence[Shape], engine: str) -> tuple[np.ndarray, list[tuple[Folding, ...]]]:
    """Unbeaten designs: [LUT, DSP, latency] float64 [N, 3], and the folding of every layer for each."""
    # A partial design: [LUT, DSP, first output, last output]. What the next layer sees of it besides is its PE.
    costs = np.array([[resources.shell_luts(), 0.0, BRIDGE_CYCLES, BRIDGE_CYCLES]])
    choices: list[tuple[Folding, ...]] = [()]
    lanes = [NO_LANES]
    for shape in shapes:
        groups: dict[int, list[tuple[np.ndarray, tuple[Folding, ...]]]] = {}
        for folding in options(shape):
            added = costs + np.array([resources.luts(shape, folding, engine),
                                      resources.dsps(shape, folding, engine), 0, 0])
            for row, choice, width in zip(added, choices, lanes, strict=True):
                row[2:] = follow(shape, folding, engine, row[2], row[3], width)
                groups.setdefault(folding.pe, []).append((row, (*choice, folding)))
        kept = [(pe, group[k]) for pe, group in groups.items() for k in _unbeaten(np.array([row for row, _ in group]))]
        costs = np.array([row for _, (row, _) in kept])
        choices, lanes = [choice for _, (_, choice) in kept], [pe for pe, _ in kept]
    return costs[:, [0, 1, 3]], choices


def _unbeaten(costs: np.ndarray) -> list[int]:
    """Rows that no other row equals or beats in every column."""
    kept: list[int] = []
    for index in np.lexsort(costs.T):
        row = costs[index]
        if not kept or not (costs[kept] <= row).all(axis=1).any():
            kept.append(int(index))
    return kept
