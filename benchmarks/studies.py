"""A study of hardware on CartPole: from nothing, repeated, and on a Ray cluster; and what searches found."""
from __future__ import annotations

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.chain import _QUARL, _row

_STUDY = """\
name: widths
episodes: 20
seeds: [0, 1, 2]
precisions: [qat8, qat6, qat4, qat3, qat2]
groups:
  - {tasks: CartPole-v1, algos: ppo, engines: [rom, dsp], folding: 200}
"""
_DESIGNS = 30
_KEPT = Path(__file__).parent.parent / "docs" / "results"
_SEARCHES = {"cartpole": "--task CartPole-v1 --algo ppo --fold 200 --trials 10",
             "pendulum": "--task Pendulum-v1 --algo ddpg --fold 200 --trials 10"}
_TIMES = {"train_seconds", "build_seconds"}     # the columns of results.csv that are no result


def widths() -> Iterator[dict[str, Any]]:
    """Five widths, three seeds, two engines: wall time with an empty cache, and of the same command again.

    Where Ray is installed, once more by its workers, which train anew and share the caches of the build.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "widths.yaml").write_text(_STUDY)
        minutes, rows = _run(folder, "local")
        made = [row for row in rows if row["engine"] and not row["error"]]
        yield _row("build_flows.study_30_designs", minutes, "minutes on two cores, empty cache: 15 trainings, "
                   f"{len(made)} designs synthesised and played", "<= 40", minutes <= 40 and len(made) == _DESIGNS)
        again = 60 * _run(folder, "local")[0]
        yield _row("build_flows.study_repeated", again, "s", "<= 60", again <= 60)
        if importlib.util.find_spec("ray"):
            minutes, others = _run(folder, "ray")
            differ = sum(one != other for one, other in zip(rows, others, strict=True))
            yield _row("build_flows.study_on_ray", differ, f"of {len(others)} points with another number "
                       f"({minutes:.0f} minutes, caches of the builds shared)", "0", differ == 0)


def _run(folder: Path, executor: str) -> tuple[float, list[dict[str, str]]]:
    """Minutes that the study took, and its ``results.csv`` without times."""
    start = time.perf_counter()
    subprocess.run([*_QUARL, "study", "widths.yaml", "--executor", executor, "--runs", f"runs-{executor}",
                    "--results", executor], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, QUARL_CACHE=str(folder / "cache")))
    minutes = (time.perf_counter() - start) / 60
    with open(folder / executor / "results.csv", newline="") as file:
        return minutes, [{key: cell for key, cell in row.items() if key not in _TIMES} for row in csv.DictReader(file)]


def searches() -> Iterator[dict[str, Any]]:
    """What the kept searches chose, gone through again from their results: LUTs against the 8-bit policy's."""
    for name, options in _SEARCHES.items():
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(_KEPT / f"search_{name}", Path(folder) / "out")
            done = subprocess.run([*_QUARL, "search", *options.split(), "--out", "out", "--json"], cwd=folder,
                                  check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        chosen = found["chosen"]
        share, weight = 100 * chosen["lut"] / found["of_8_bits"]["lut"], chosen["bits"]["weight"]
        core = weight if isinstance(weight, int) else weight[1]
        yield _row(f"build_flows.search_{name}", share,
                   f"% of the 8-bit policy's {found['of_8_bits']['lut']:g} LUTs; return {chosen['return_mean']:.1f}, "
                   f"fp32 {found['fp32_return']:.1f}, parity from {found['parity_return']:.1f}; core {core} bits",
                   "<= 33.3, core <= 3 bits", chosen["parity"] and share <= 100 / 3 and core <= 3)
