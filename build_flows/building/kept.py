"""What is built is kept: the options of the accelerator that a run holds, but for those that are asked for."""
from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quarl.build_flows.building.options import Options
from quarl.host.accelerator import description
from quarl.host.errors import UserError
from quarl.host.files import recover
from quarl.hw.engines.mvtu.design import SMALL, Style

_STYLE = {"timing": SMALL.timing, "products": SMALL.products, "weight_rom": SMALL.weight_rom}
USUAL: dict[str, Any] = {"board": Options.board, "compute": Options.compute, "fold": Options.fold,
                         "max_lut_percent": Options.max_lut_percent, **_STYLE}
"""The options of a first build, by the names that the command line has for them."""


def built(accel: Path) -> dict[str, Any]:
    """The options that the accelerator in ``accel`` was built with, as in :data:`USUAL`.

    Empty where none is built, or what is there cannot be read: it is then built anew.
    """
    recover(accel)
    try:
        found, estimate = description.read(accel), json.loads((accel / "reports" / "estimate.json").read_text())
        known = {"board": found.board, "compute": found.engine, "fold": found.fold,
                 "max_lut_percent": float(estimate["max_lut_percent"]), **_STYLE, **found.style}
        _options(known)
    except (UserError, OSError, ValueError, KeyError, TypeError):
        return {}
    return known


def options(accel: Path, asked: Mapping[str, Any], target: str = "emulate") -> tuple[Options, str]:
    """What to build into ``accel`` where the options ``asked`` for are given, and a line that says what becomes of
    what is built, empty where that is nothing to tell.

    Of another engine the style is not kept: it is rom's. Raises :class:`UserError` for a value that does not exist.
    """
    before = built(accel)
    kept = dict(before)
    if "compute" in asked and asked["compute"] != before.get("compute"):
        kept = {name: value for name, value in kept.items() if name not in _STYLE}
    chosen = {**USUAL, **kept, **asked}
    return _options(chosen, target), _told(accel, before, chosen)


def _options(chosen: Mapping[str, Any], target: str = "emulate") -> Options:
    return Options(chosen["board"], chosen["compute"], target, chosen["fold"], chosen["max_lut_percent"],
                   Style(*(chosen[name] for name in _STYLE)))


def _told(accel: Path, before: Mapping[str, Any], chosen: Mapping[str, Any]) -> str:
    changed = [name for name in before if str(before[name]) != str(chosen[name])]
    if changed:
        bitstream = ", and its bitstream goes" if (accel / "accel.bit").exists() else ""
        return "another accelerator takes the place of the one that is built%s: %s" % (bitstream, ", ".join(
            f"{_option(name, chosen)} (was {_value(before[name])})" for name in changed))
    special = [name for name in before if before[name] != USUAL[name]]
    return "kept, as built: " + " ".join(_option(name, before) for name in special) if special else ""


def _option(name: str, options: Mapping[str, Any]) -> str:
    return "--%s %s" % (name.replace("_", "-"), _value(options[name]))


def _value(value: Any) -> str:
    return format(value, "g") if isinstance(value, float) else str(value)
