"""Bring the results of a build kit into an accelerator's folder: judged, compared with what was predicted, marked."""
from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quarl.build_flows.bitstream import kit
from quarl.build_flows.building import artefacts
from quarl.build_flows.building.parts import group_in_zynq
from quarl.host.accelerator import description
from quarl.host.errors import UserError
from quarl.host.files import explained, staged_folder, write_json
from quarl.hw import boards
from quarl.hw.vivado import verdict

_COMPARED = ("lut", "ff", "dsp", "bram36")
_KEPT = (verdict.TIMING, verdict.UTILISATION, verdict.HIERARCHY)


def take(folder: Path, accel: Path, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Take the results in ``folder`` (a kit, or its results) into ``accel``, which changes whole or not at all.

    ``extra`` goes into the report. Returns :func:`artefacts.read`. Raises ``UserError`` for results that fail a check,
    or were made for another build than the one in ``accel``.
    """
    if (folder / "results").is_dir():
        folder = folder / "results"
    described = description.read(accel)
    built = artefacts.built_key(accel)
    mark = kit.read(folder)
    made_for, shell = mark.get("key"), str(mark.get("shell"))
    if made_for != built:
        raise UserError("the bitstream must be made for the accelerator that the run holds",
                        f"a kit of build {str(made_for)[:12]}, and build {built[:12]} in {accel}",
                        "make a new kit with `quarl build RUN --target bitstream --script-only`, and replay it")
    synth = artefacts.read(accel)["synth"]
    if synth is None:
        raise UserError("a bitstream is compared with Yosys' figures, which the run must have", f"none in {accel}",
                        "build the run with --target synth")
    board = boards.board(described.board)
    found = verdict.check(folder, board, shell)
    with staged_folder(accel) as stage, explained(accel):
        shutil.copytree(accel, stage, dirs_exist_ok=True)
        (stage / verdict.SETTINGS).unlink(missing_ok=True)      # of an earlier bitstream, with another shell
        for name in (verdict.BIT, verdict.HANDOFF, *((verdict.SETTINGS,) if shell == "dma" else ())):
            shutil.copy(folder / name, stage)
        (stage / "reports" / "vivado").mkdir(exist_ok=True)
        for name in _KEPT:
            shutil.copy(folder / name, stage / "reports" / "vivado")
        write_json(stage / "reports" / f"{artefacts.BITSTREAM}.json",
                   {"shell": shell, **compare(found, synth), **(extra or {})})
        description.write(dataclasses.replace(
            described, base_address=verdict.base_address(board) if shell == "bridge" else None,
            versions={**described.versions, "vivado": found["vivado"]}), stage)
        artefacts.mark(stage, built, artefacts.BITSTREAM)
    return artefacts.read(accel)


def compare(found: Mapping[str, Any], synth: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict with, for every layer and the whole, Yosys' counts and their error in per cent of Vivado's.

    The whole is accelerator and bridge, without the rest of the shell, which Yosys does not see.
    """
    parts: Mapping[str, Mapping[str, float]] = found["parts"]
    groups: dict[str, dict[str, float]] = {}
    for name, counts in parts.items():
        group = group_in_zynq(name)
        if group:
            total = groups.setdefault(group, dict.fromkeys(counts, 0.0))
            for kind, count in counts.items():
                total[kind] += count
    rows = {group: (groups[group], estimate) for group, estimate in synth["groups"].items() if group in groups}
    design = {kind: sum(counts[kind] for counts, _ in rows.values()) for kind in _COMPARED}
    if rows:
        rows["whole"] = (design, synth["total"])
    compared = {group: {kind: {"vivado": counts[kind], "yosys": estimate[kind],
                               "error_percent": _error(estimate[kind], counts[kind])} for kind in _COMPARED}
                for group, (counts, estimate) in rows.items()}
    return {**{name: value for name, value in found.items() if name != "parts"}, "compared": compared}


def _error(estimate: float, actual: float) -> float | None:
    return round(100 * (estimate - actual) / actual, 1) if actual else None
