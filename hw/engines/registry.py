"""The compute engines of the matrix-vector unit: a record each, which is all that the flows know of them.

What a layer of an engine takes is in ``build_flows/estimate/models.py``, how it comes about in
``build_flows/lowering/lower.py``, by the same names.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from quarl.host.errors import UserError


@dataclasses.dataclass(frozen=True)
class Engine:
    """An engine by its ``name``, and in a line what it is.

    ``own_nodes``: its nodes take the place of FINN's layers. ``replaces``: files of FINN's library, by name, that ours
    stand for. ``styled``: its units are made in a style (:class:`quarl.hw.engines.mvtu.design.Style`). ``dsp48``: it
    computes in DSP48 slices, whatever the style; ``infers_dsp``: synthesis may put products into them. ``margin``: by
    how much estimated LUTs must stay below what the board has, for what the estimate has of errors.
    """

    name: str
    summary: str
    own_nodes: bool
    styled: bool
    dsp48: bool
    infers_dsp: bool
    margin: float
    replaces: Mapping[str, Path] = dataclasses.field(default_factory=dict)


ENGINES: dict[str, Engine] = {engine.name: engine for engine in (
    Engine("rom", "our unit: weights as ROM, matrix, vector and thresholds in one", own_nodes=True, styled=True,
           dsp48=False, infers_dsp=True, margin=1.1),
    Engine("dsp", "FINN's units, weights streamed, products packed into DSP48 slices: the reference", own_nodes=False,
           styled=False, dsp48=True, infers_dsp=True, margin=1.2),
    # The streamed engine without DSPs, which `rom` is measured against.
    Engine("lut", "FINN's units, products in LUTs", own_nodes=False, styled=False, dsp48=False, infers_dsp=False,
           margin=1.2, replaces={"mvu.sv": Path(__file__).parent / "finn" / "rtl" / "mvu_lut.sv"}))}
"""By name, the default first."""


def engine_of(name: str, option: str = "--compute") -> Engine:
    """The engine of that name. Raises :class:`UserError`, of the ``option`` that gave the name, for any other."""
    if name not in ENGINES:
        raise UserError(f"{option} must be one of {', '.join(ENGINES)}", name, "choose one of them")
    return ENGINES[name]


def uses_dsps(name: str, products: str | None) -> bool:
    """Whether a design of that engine has DSP48 slices, where its style, if it has one, makes ``products`` so."""
    return engine_of(name).dsp48 or products == "dsp"
