"""The model against the measurements, design by design."""
from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from quarl.build_flows.calibration.table import KINDS, Row
from quarl.build_flows.estimate import resources
from quarl.build_flows.estimate.latency import follow
from quarl.build_flows.estimate.shape import NO_LANES, cycles


@dataclasses.dataclass(frozen=True)
class Compared:
    """A design's sums over its layers, by kind, measured and estimated; its cycles; and FINN's estimate."""

    rows: Sequence[Row]
    measured: dict[str, float]
    estimated: dict[str, float]
    latency: int
    interval: int
    finn: dict[str, float]

    @property
    def cycles_are_exact(self) -> bool:
        """Whether the latency and the interval are those that the emulated RTL showed."""
        return (self.latency, self.interval) == (self.rows[0].latency, self.rows[0].interval)

    def error(self, estimate: float | None = None) -> float:
        """Of the LUTs' estimate, ours or another, as a share of what was measured."""
        return (self.estimated["lut"] if estimate is None else estimate) / self.measured["lut"] - 1


def compare(rows: Sequence[Row]) -> Compared:
    """Estimate the design whose layers ``rows`` are."""
    design = rows[0].design
    lanes, first, last = NO_LANES, 0, 0
    estimated = dict.fromkeys(KINDS, 0.0)
    intervals = []
    for shape, layer in zip(design.shapes(), design.folding, strict=True):
        for kind, count in resources.estimate(shape, layer, design.engine, lanes).items():
            estimated[kind] += float(count)
        first, last = follow(shape, layer, design.engine, first, last, lanes)
        intervals.append(cycles(shape, layer))
        lanes = layer.pe
    return Compared(rows, {kind: sum(row.total(kind) for row in rows) for kind in KINDS}, estimated, int(last),
                    max(intervals), {name: sum(row.finn[name] for row in rows) for name in rows[0].finn})


def spread(errors: Iterable[float]) -> tuple[float, float]:
    """The median and the largest of the errors' magnitudes."""
    sizes = np.abs(list(errors))
    return float(np.median(sizes)), float(sizes.max())
