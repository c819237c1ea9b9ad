"""The folding: how much of each layer works in parallel, chosen so that the design fits the board.

The choices of the layers add up, in LUTs, DSPs and cycles alike, so the best combinations are found exactly by
adding one layer at a time and keeping only what nothing else beats (a Pareto frontier).
"""
from __future__ import annotations

import dataclasses
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
MARGIN = 1.2            # the LUT model is rough (11 % too low for a wide 4-bit design); what is chosen must fit


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


def follow(shape: Shape, folding: Folding, engine: str, first: Any, last: Any, lanes: Any) -> tuple[Any, Any]:
    """Cycles at which the layer's first and last output beats come, given those of its inputs.

    Input beats of ``lanes`` codes come from cycle ``first`` to cycle ``last`` (numbers, or arrays of designs); the
    first layer's come as it asks for them (:data:`NO_LANES`). The layer works on its first output channels while
    inputs still arrive, and keeps the inputs for its other channels.
    """
    beats, passes = shape.inputs // folding.simd, shape.outputs // folding.pe
    heard = np.maximum(first + beats, last - (-lanes // folding.simd))
    pipeline = LAYER_CYCLES + compute_depth(folding, engine) + THRESHOLD_CYCLES_PER_BIT * shape.act_bits
    pipeline += SINGLE_PASS_CYCLES * (passes == 1)
    pipeline = pipeline + CONVERTER_CYCLES * ((lanes != NO_LANES) & (lanes != folding.simd))
    return heard + pipeline, heard + (passes - 1) * beats + pipeline


def choose(shapes: Sequence[Shape], engine: str, fold: str, board: Board, max_lut_percent: float) -> Plan:
    """The folding for ``fold``: the smallest design, the fastest that fits, or the best product of the two.

    Raises :class:`UserError` where not even the smallest design fits ``max_lut_percent`` of the board's LUTs and all
    its DSPs.
    """
    lut_limit = board.lut * max_lut_percent / 100
    costs, choices = _frontier(shapes, engine, lut_limit / MARGIN, board.dsp)
    if not len(costs):
        smallest = MARGIN * (resources.shell_luts() + sum(min(resources.luts(s, f, engine) for f in options(s))
                                                          for s in shapes))
        slices = sum(min(resources.dsps(s, f, engine) for f in options(s)) for s in shapes)
        raise UserError(
            "the design must fit %d LUTs (%g %% of %s's) and %d DSPs"
            % (lut_limit, max_lut_percent, board.name, board.dsp),
            "about %d LUTs, with a reserve of %.0f %%, and %d DSPs for the smallest folding"
            % (smallest, 100 * (MARGIN - 1), slices),
            "train with fewer bits or smaller layers, or raise --max-lut-percent")
    order = {"min-area": (costs[:, 2], costs[:, 1], costs[:, 0]),      # the last key decides first
             "balanced": (costs[:, 0], costs[:, 0] * costs[:, 2]),
             "min-latency": (costs[:, 1], costs[:, 0], costs[:, 2])}[fold]
    best = int(np.lexsort(order)[0])
    lut, dsp, cycles = costs[best]
    return Plan(engine, fold, tuple(shapes), choices[best], round(lut), int(dsp), int(cycles))


def options(shape: Shape) -> list[Folding]:
    """Every folding of a layer: SIMD divides its inputs, PE its outputs (FINN's rule)."""
    return [Folding(pe, simd) for pe in _divisors(shape.outputs) for simd in _divisors(shape.inputs)]


def _divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


def _frontier(shapes: Sequence[Shape], engine: str, lut_limit: float,
              dsp_limit: float) -> tuple[np.ndarray, list[tuple[Folding, ...]]]:
    """Unbeaten designs within the limits: [LUT, DSP, latency] float64 [N, 3], and each one's foldings."""
    # A partial design: [LUT, DSP, first output, last output]. What the next layer sees of it besides is its PE.
    costs = np.array([[resources.shell_luts(), 0.0, BRIDGE_CYCLES, BRIDGE_CYCLES]])
    choices: list[tuple[Folding, ...]] = [()]
    for index, shape in enumerate(shapes):
        rest = sum(min(resources.luts(s, f, engine) for f in options(s)) for s in shapes[index + 1:])
        lanes = np.array([choice[-1].pe if choice else NO_LANES for choice in choices])
        groups: dict[int, list[tuple[np.ndarray, Folding]]] = {}
        for folding in options(shape):
            added = costs + np.array([resources.luts(shape, folding, engine),
                                      resources.dsps(shape, folding, engine), 0, 0])
            added[:, 2], added[:, 3] = follow(shape, folding, engine, costs[:, 2], costs[:, 3], lanes)
            groups.setdefault(folding.pe, []).append((added, folding))
        kept: list[tuple[np.ndarray, tuple[Folding, ...]]] = []
        for group in groups.values():
            total = np.concatenate([added for added, _ in group])
            fits = np.flatnonzero((total[:, 0] + rest <= lut_limit) & (total[:, 1] <= dsp_limit))
            kept += [(total[row], (*choices[row % len(choices)], group[row // len(choices)][1]))
                     for row in fits[_unbeaten(total[fits])]]
        costs = np.array([row for row, _ in kept]).reshape(-1, 4)
        choices = [choice for _, choice in kept]
    return costs[:, [0, 1, 3]], choices


def _unbeaten(costs: np.ndarray) -> list[int]:
    """Rows that no other row equals or beats in every column."""
    kept: list[int] = []
    best = np.empty_like(costs)
    for index in np.lexsort(costs.T[::-1]):
        row = costs[index]
        if not (best[:len(kept)] <= row).all(axis=1).any():
            best[len(kept)] = row
            kept.append(int(index))
    return kept
