"""What a folded layer takes before synthesis: LUTs, flip-flops and block RAMs by a model, DSPs and cycles exactly.

The structure of the RTL says how many look-up tables of each kind there are (:mod:`quarl.build_flows.estimate.rom`,
:mod:`quarl.build_flows.estimate.finn`); what synthesis makes of a kind is in ``resources.yaml``, fitted by ``python -m
quarl.build_flows.calibration.fit``.
"""
from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

from quarl.build_flows.estimate import finn, rom
from quarl.build_flows.estimate.shape import NO_LANES, Folding, Shape
from quarl.hw.engines.mvtu.design import SMALL, Style

ENGINES = ("rom", "dsp", "lut")
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
    counts = finn.added(_compute(shape, folding, engine, style), _input_side(shape, folding, engine, lanes,
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
        return rom.compute(shape, folding, style)
    return finn.compute(shape, folding, engine)


def _input_side(shape: Shape, folding: Folding, engine: str, lanes: int, style: Style) -> dict[str, float]:
    if engine == "rom":
        return rom.input_side(shape, folding, lanes or folding.simd, style)
    return finn.input_side(shape, folding, lanes or folding.simd)


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
