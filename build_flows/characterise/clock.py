"""An estimate of the clock without a vendor tool: the same RTL, placed and routed for an ECP5 by open tools.

The path that limits it is told in the design's own names: the layer or the bridge, the unit in it, the channel of its
pass.
"""
from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from quarl.build_flows.building import artefacts
from quarl.build_flows.building.parts import named
from quarl.build_flows.console import phases
from quarl.host.errors import UserError
from quarl.host.files import write_json
from quarl.hw.engines.registry import engine_of, uses_dsps
from quarl.hw.place_and_route.ecp5 import DEVICE, PHASES, place_and_route
from quarl.hw.shell.shell import SHELL_TOP
from quarl.hw.tools.prerequisites import require

LABEL = f"estimate, ECP5 ({DEVICE})"


def check(engine: str, products: str) -> None:
    """Raise ``UserError`` for a design that an ECP5 has no cells for, ``ToolError`` where a tool is missing."""
    if uses_dsps(engine, products):
        raise UserError("--fmax places a design on an ECP5, which has no DSP48 slices",
                        f"--compute {engine}" if engine_of(engine).dsp48 else f"--products {products}",
                        "leave it out, or build with --compute rom --products lut")
    require("place and route")


def estimate(accel: Path, timeout: float | None = None) -> dict[str, Any]:
    """Place and route the shell with the accelerator of ``accel``; writes, and returns, ``reports/fmax.json``.

    Cached by the RTL's content. Raises ``ToolError`` as :func:`quarl.hw.place_and_route.ecp5.place_and_route`.
    """
    with phases("place and route, ECP5", PHASES) as show:
        found = place_and_route(accel / "rtl", SHELL_TOP, show, timeout)
    result = {**found, "label": LABEL, "path": _named(found["path"])}
    write_json(accel / "reports" / f"{artefacts.FMAX}.json", result)
    return result


def _named(path: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The path by the design's names, which generate blocks of one unit share."""
    rows = []
    for names, group in groupby(path, key=lambda step: (*named(step["instance"]), step["signal"])):
        steps = list(group)
        rows.append({**dict(zip(("part", "unit", "channel", "signal"), names, strict=True)),
                     "instances": [step["instance"] for step in steps],
                     "levels": sum(step["levels"] for step in steps),
                     **{kind: round(sum(step[kind] for step in steps), 2) for kind in ("logic_ns", "routing_ns")}})
    return rows


def told(step: dict[str, Any]) -> str:
    """``layer 1, dot.sum.total, channel 17``"""
    text = f"{step['part']}, {step['unit']}.{step['signal']}"
    return text if step["channel"] is None else f"{text}, channel {step['channel']}"
