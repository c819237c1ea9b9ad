"""One design of a policy: built with its resources, and played in its environment on the emulator."""
from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from quarl.build_flows.study.grid import Point
from quarl.build_flows.study.lock import waiting_for
from quarl.build_flows.study.measure_policy import checked, ensure_policy

_COPIED = ("config.yaml", "train/model.zip", "train/normaliser.npz", "train/evaluations.json", "train/progress.csv",
           "train/analysis.json", "train/result.json")


def measure(point: Point, trained: dict[str, Any], runs: Path) -> dict[str, Any]:
    """The result of ``point``, whose training is done. Its run folder is as of `quarl build` and `quarl run`.

    A build whose inputs have not changed is not repeated. Raises what the build and the closed loop raise, a mismatch
    among that: every step that is played is also computed by the integer reference.
    """
    from quarl.build_flows.building import flow, subject
    from quarl.build_flows.building.options import Options
    from quarl.build_flows.characterise import energy
    from quarl.build_flows.deploy import closed_loop
    from quarl.host.log import run_log
    from quarl.host.loop.settings import Settings
    from quarl.host.versions import versions
    from quarl.models.export.package import TOOLS

    start, folder = time.perf_counter(), runs / point.name
    _copy_policy(point, runs)
    what = subject.of_run(folder)
    built = flow.build(what, Options(
        point.board, str(point.engine), "synth", str(point.folding)), folder / "accel")
    building = time.perf_counter() - start
    summary, log = closed_loop.play(folder, "emulator", Settings(point.episodes, point.seed, shadow=1.0))
    extra = {"energy_nj": energy.estimate(what, folder / "accel")["energy_nj"]} if point.energy else {}
    returns = [record["return"] for record in run_log.records(log) if record["type"] == "episode"]
    parity, timing, synth = built["parity"], built["timing"], built["synth"]
    return {"training": trained,
            "evaluation": {"backend": "emulator", "episodes": point.episodes, "seed": point.seed,
                           "returns": checked(returns)},
            "parity": {"observations": parity["observations"] + summary["shadow"]["checked"],
                       "mismatches": sum(pair["mismatches"] for pair in parity["pairs"].values())
                       + summary["shadow"]["mismatches"]},
            "hardware": {"board": synth["board"]["name"], "clock_mhz": timing["clock_mhz"],
                         "folding": [[layer["pe"], layer["simd"]] for layer in built["accel"]["folding"]],
                         "latency_cycles": timing["latency_cycles"], "interval_cycles": timing["interval_cycles"],
                         "synthesis": synth["total"], "percent": synth["percent"],
                         "estimate": built["estimate"]["predicted"], "build_seconds": round(building, 1), **extra},
            "seconds": round(time.perf_counter() - start, 1), "versions": versions(TOOLS)}


def _copy_policy(point: Point, runs: Path) -> None:
    """Make the run folder of ``point``: the policy's, without what only its training needs."""
    from quarl.build_flows.building.ensure_package import ensure_package
    source, target = runs / point.policy.name, runs / point.name
    with waiting_for(source):
        ensure_policy(point, runs)
        ensure_package(source)
        for name in _COPIED:
            if (source / name).exists():
                (target / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(source / name, target / name)
        shutil.copytree(source / "policy", target / "policy", dirs_exist_ok=True)
