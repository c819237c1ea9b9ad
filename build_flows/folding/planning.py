"""The folding: how much of each layer works in parallel, chosen so that the design fits the board.

The choices of the layers add up, in LUTs, DSPs and cycles alike, so the best combinations are found exactly by
adding one layer at a time and keeping only what nothing else beats (a Pareto frontier).
"""
from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from quarl.build_flows.estimate import resources
from quarl.build_flows.estimate.latency import BRIDGE_CYCLES, follow
from quarl.build_flows.estimate.shape import NO_LANES, Folding, Shape, cycles
from quarl.build_flows.folding.option import FOLDS
from quarl.host.errors import UserError
from quarl.hw.boards import Board
from quarl.hw.engines.mvtu.design import SMALL, Style
from quarl.hw.engines.registry import engine_of

# `balanced` is the smallest design that answers in so many cycles: in less than a microsecond at 100 MHz. A goal that
# does not look at the widths: a folding of fewer bits is no larger and no slower, so that the choice is no larger.
BALANCED_CYCLES = 99


@dataclasses.dataclass(frozen=True)
class Plan:
    """A folding for every layer, with what it is predicted to cost on a board whose DSP slices are ``dsp_width`` wide.

    ``latency`` is that behind the bridge.
    """

    engine: str
    fold: str
    shapes: tuple[Shape, ...]
    layers: tuple[Folding, ...]
    lut: float
    dsp: int
    latency: int
    style: Style = SMALL
    dsp_width: int = 25

    @property
    def stream_latency(self) -> int:
        """Cycles from the offer of the first input beat to the last output beat, without the bridge."""
        return self.latency - BRIDGE_CYCLES

    @property
    def interval(self) -> int:
        """Cycles between two inferences in a full pipeline: the slowest layer's."""
        return max(cycles(s, f) for s, f in zip(self.shapes, self.layers, strict=True))

    def report(self, max_lut_percent: float) -> dict[str, Any]:
        """The plan as ``accel/reports/estimate.json`` holds it."""
        return {"engine": self.engine, "fold": self.fold, "max_lut_percent": max_lut_percent,
                "layers": [self._layer(index) for index in range(len(self.layers))],
                "predicted": {"latency_cycles": self.latency, "stream_latency_cycles": self.stream_latency,
                              "interval_cycles": self.interval, "lut": round(self.lut), "dsp": self.dsp}}

    def _layer(self, index: int) -> dict[str, Any]:
        shape, layer = self.shapes[index], self.layers[index]
        lanes = self.layers[index - 1].pe if index else NO_LANES
        row = {"layer": index, "inputs": shape.inputs, "outputs": shape.outputs, "weight_bits": shape.weight_bits,
               "act_bits": shape.act_bits or None, "pe": layer.pe, "simd": layer.simd,
               "cycles": cycles(shape, layer)}
        taken = resources.estimate(shape, layer, self.engine, lanes, self.style, self.dsp_width)
        return row | {kind: count if kind == "bram36" else round(count) for kind, count in taken.items()}


def choose(shapes: Sequence[Shape], engine: str, fold: str, board: Board, max_lut_percent: float,
           style: Style = SMALL) -> Plan:
    """The folding for ``fold``: the smallest design, the fastest that fits, or the smallest of those that answer within
    so many cycles; within BALANCED_CYCLES for ``balanced``, and as fast as fits where none does.

    Raises :class:`UserError` where no design fits ``max_lut_percent`` of the board's LUTs and all its DSPs and BRAMs,
    or none that fits is as fast.
    """
    return pick(frontier(shapes, engine, board, max_lut_percent, style), fold)


def pick(plans: Sequence[Plan], fold: str) -> Plan:
    """The plan of a frontier that ``fold`` stands for. Raises :class:`UserError` where none is so fast."""
    fastest = min(plan.latency for plan in plans)
    if fold == "balanced":
        plans = [plan for plan in plans if plan.latency <= max(BALANCED_CYCLES, fastest)]
    elif fold not in FOLDS:
        plans = [plan for plan in plans if plan.latency <= int(fold)]
        if not plans:
            raise UserError(f"an action must take at most {fold} cycles",
                            f"{fastest} for the fastest design that fits", "allow more, raise --max-lut-percent, or "
                            "train with fewer bits or smaller layers")
    chosen = min(plans, key=lambda plan: plan.latency if fold == "min-latency" else plan.lut)
    return dataclasses.replace(chosen, fold=fold)


def frontier(shapes: Sequence[Shape], engine: str, board: Board, max_lut_percent: float,
             style: Style = SMALL) -> list[Plan]:
    """The foldings that fit and that no other beats in LUTs and latency: from the smallest to the fastest.

    Raises :class:`UserError` as :func:`choose`.
    """
    margin, limit = engine_of(engine).margin, board.lut * max_lut_percent / 100
    own = [np.array([resources.compute_cost(shape, folding, engine, style) for folding in options(shape)])
           for shape in shapes]
    costs, picks = _search(shapes, engine, style, own, limit / margin, board)
    if not len(costs):
        smallest = [int(each[:, 0].argmin()) for each in own]
        luts, brams = np.sum([each[number] for each, number in zip(own, smallest, strict=True)], axis=0)
        slices = sum(resources.dsps(s, options(s)[number], engine, style, board.dsp_width)
                     for s, number in zip(shapes, smallest, strict=True))
        raise UserError(
            "the design must fit %d LUTs (%g %% of %s's), %d DSPs and %g BRAMs"
            % (limit, max_lut_percent, board.name, board.dsp, board.bram36),
            "about %d LUTs, with a reserve of %.0f %%, %d DSPs and %g BRAMs for the smallest folding"
            % (margin * (resources.shell_luts() + luts), 100 * (margin - 1), slices, brams),
            "train with fewer bits or smaller layers, or raise --max-lut-percent")
    return [Plan(engine, "", tuple(shapes), tuple(options(s)[n] for s, n in zip(shapes, picks[row], strict=True)),
                 float(costs[row, 0]), int(costs[row, 1]), int(costs[row, 4]), style, board.dsp_width)
            for row in np.argsort(costs[:, 0])]


def options(shape: Shape) -> list[Folding]:
    """Every folding of a layer: SIMD divides its inputs, PE its outputs (FINN's rule)."""
    return [Folding(pe, simd) for pe in _divisors(shape.outputs) for simd in _divisors(shape.inputs)]


def _divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


def _search(shapes: Sequence[Shape], engine: str, style: Style, own: Sequence[np.ndarray], lut_limit: float,
            board: Board) -> tuple[np.ndarray, np.ndarray]:
    """Designs within the limits, unbeaten in LUTs and latency: [LUT, DSP, BRAM, first output, latency] float64 [N, 5],
    and which option each layer has.

    ``own`` are LUTs and BRAMs of every layer's options without their input sides, [options, 2] each.
    """
    # Partial designs by what the next layer sees of them besides, the lanes of their output beats: [LUT, DSP, BRAM,
    # cycle of the first output beat, cycle of the last], and the options of their layers.
    partial = {NO_LANES: (np.array([[resources.shell_luts(), 0, 0, BRIDGE_CYCLES, BRIDGE_CYCLES]]),
                          np.zeros((1, 0), np.int64))}
    for index, shape in enumerate(shapes):
        is_last = index == len(shapes) - 1
        rest = sum(each[:, 0].min() for each in own[index + 1:])
        found: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
        for number, folding in enumerate(options(shape)):
            group = []
            luts, brams = own[index][number]
            for lanes, (costs, picks) in partial.items():
                added = costs + np.array([
                    luts + resources.input_luts(shape, folding, engine, lanes, style),
                    resources.dsps(shape, folding, engine, style, board.dsp_width), brams, 0, 0])
                added[:, 3], added[:, 4] = follow(shape, folding, engine, costs[:, 3], costs[:, 4], lanes, style)
                fits = (added[:, 0] + rest <= lut_limit) & (added[:, 1] <= board.dsp) & (added[:, 2] <= board.bram36)
                group.append((added[fits], picks[fits]))
            costs, picks = (np.concatenate(each) for each in zip(*group, strict=True))
            kept = _unbeaten(costs[:, :4])      # of one folding, all take as long from their first output to their last
            found.setdefault(NO_LANES if is_last else folding.pe, []).append(
                (costs[kept], np.insert(picks[kept], index, number, axis=1)))
        partial = {}
        for lanes, group in found.items():
            costs, picks = (np.concatenate(each) for each in zip(*group, strict=True))
            kept = _unbeaten(costs[:, [0, 4]] if is_last else costs)
            partial[lanes] = costs[kept], picks[kept]
    return partial[NO_LANES]


def _unbeaten(costs: np.ndarray) -> np.ndarray:
    """The rows that no other row equals or beats in every column."""
    if len(costs) < 2:
        return np.arange(len(costs))
    columns = costs.T[np.ptp(costs, axis=0) > 0]
    if len(columns) <= 2:
        first, second = np.concatenate([columns, costs.T])[[0, len(columns) - 1]]
        rows = np.lexsort((second, first))
        best = np.minimum.accumulate(second[rows])
        return rows[np.append(True, best[1:] < best[:-1])]
    # What has the least sum is beaten by nothing that is left, and likely beats much.
    rows = np.argsort((columns.T / columns.max(axis=1)).sum(axis=1), kind="stable")
    columns, checked = columns[:, rows], 0
    while checked < len(rows):
        kept = (columns[:, checked:] < columns[:, checked, None]).any(axis=0)
        kept[0] = True
        if not kept.all():
            kept = np.append(np.ones(checked, bool), kept)
            rows, columns = rows[kept], columns[:, kept]
        checked += 1
    return rows
