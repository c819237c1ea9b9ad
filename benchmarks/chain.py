"""The main job: start-up, the demo, the emulator's speed."""
from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from quarl.build_flows.building import flow, parity, subject
from quarl.build_flows.building.options import Options
from quarl.host.accelerator import description
from quarl.host.devices.emulator import Emulator
from quarl.host.policy import codec
from quarl.models.actors.bits import Bits

_QUARL = [sys.executable, "-c", "import sys; from quarl.build_flows.cli import main; sys.exit(main())"]


def _row(name: str, value: float, unit: str, target: str, met: bool, baseline: float | None = None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "baseline": baseline, "target": target, "met": bool(met)}


def help_time() -> list[dict[str, Any]]:
    """Median wall time of ``quarl --help`` over five starts."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([*_QUARL, "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    seconds = sorted(times)[2]
    return [_row("build_flows.help_start_up", seconds, "s", "< 1", seconds < 1)]


def demo() -> list[dict[str, Any]]:
    """``quarl demo`` with an empty cache: wall time, return on the emulated RTL, parity."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = subprocess.run([*_QUARL, "demo", "--json", "--out", folder + "/run"], check=True, capture_output=True,
                              text=True, env=dict(os.environ, QUARL_CACHE=folder + "/cache"))
        seconds = time.perf_counter() - start
        result = json.loads(done.stdout.splitlines()[-1])
    reward = result["closed_loop"]["return_mean"]
    wrong = sum(pair["mismatches"] for pair in result["parity"]["pairs"].values())
    return [_row("build_flows.demo", seconds, "s", "< 150", seconds < 150),
            _row("build_flows.demo_return_on_rtl", reward, "return, 20 episodes", ">= 475", reward >= 475),
            _row("build_flows.demo_parity", wrong, "mismatches, 12,000 observations", "0", wrong == 0),
            _row("build_flows.demo_lut", result["synth"]["percent"]["lut"], "% of the PYNQ-Z2's LUTs", "<= 70",
                 result["synth"]["percent"]["lut"] <= 70)]


def emulator_rate() -> list[dict[str, Any]]:
    """Clock cycles a second of the emulated 4-64-64-2 W4 A4 I8 accelerator, streaming."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        what = subject.random((4, 64, 64, 2), Bits(4, 4, 8), 0, Path(folder) / "policy")
        flow.build(what, Options(), Path(folder) / "accel")
        geometry = description.read(Path(folder) / "accel").geometry
        emulator = Emulator(Path(folder) / "accel" / "emulator.so", Path(folder) / "accel" / "rtl")
        before, start = emulator.cycles, time.process_time()
        parity.stream(emulator, geometry, codec.encode(what.policy, what.observations))
        rate = (emulator.cycles - before) / (time.process_time() - start) / 1e6
        emulator.close()
    return [_row("hw.emulator_rate", rate, "Mcycle/s of CPU time", ">= 1", rate >= 1)]
