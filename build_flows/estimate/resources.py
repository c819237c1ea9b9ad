"""What a folded layer takes before synthesis: LUTs, flip-flops and block RAMs by a model, DSPs and cycles exactly.

The structure of the RTL says how many look-up tables of each kind there are (:mod:`quarl.build_flows.estimate.rom`,
:mod:`quarl.build_flows.estimate.finn`); what synthesis makes of a kind is in ``resources.yaml``, fitted by ``python -m
quarl.build_flows.calibration.fit``.
"""
from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from quarl.build_flows.estimate.counts import added
from quarl.build_flows.estimate.models import MODELS
from quarl.build_flows.estimate.shape import NO_LANES, Folding, Shape
from quarl.hw.engines.mvtu.design import SMALL, Style


def dsps(shape: Shape, folding: Folding, engine: str, style: Style = SMALL, dsp_width: int = 25) -> int:
    """DSP slices whose wide port has ``dsp_width`` bits: 25 in a DSP48E1, 27 in a DSP48E2."""
    return MODELS[engine].dsps(shape, folding, style, dsp_width)


def estimate(shape: Shape, folding: Folding, engine: str, lanes: int = NO_LANES, style: Style = SMALL,
             dsp_width: int = 25) -> dict[str, float]:
    """All that the layer takes behind input beats of ``lanes`` codes, by the names that synthesis has for it."""
    counts = added(MODELS[engine].compute(shape, folding, style), _input_side(shape, folding, engine, lanes, style))
    return {"lut": _sum(counts), "lut_memory": counts.get("memory", 0), "ff": counts["flip-flops"],
            "dsp": dsps(shape, folding, engine, style, dsp_width), "bram36": counts.get("bram36", 0)}


def luts(shape: Shape, folding: Folding, engine: str, lanes: int = NO_LANES, style: Style = SMALL) -> float:
    """Estimated LUTs of the layer behind input beats of ``lanes`` codes."""
    return compute_cost(shape, folding, engine, style)[0] + input_luts(shape, folding, engine, lanes, style)


def compute_cost(shape: Shape, folding: Folding, engine: str, style: Style = SMALL) -> tuple[float, float]:
    """The part of :func:`luts` that does not depend on the input beats, and the layer's BRAMs of 36 kbit."""
    counts = MODELS[engine].compute(shape, folding, style)
    return _sum(counts), counts.get("bram36", 0)


def input_luts(shape: Shape, folding: Folding, engine: str, lanes: int, style: Style = SMALL) -> float:
    """The part of :func:`luts` that depends on the input beats."""
    return _sum(_input_side(shape, folding, engine, lanes, style))


def _input_side(shape: Shape, folding: Folding, engine: str, lanes: int, style: Style) -> dict[str, float]:
    return MODELS[engine].input_side(shape, folding, lanes or folding.simd, style)


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
