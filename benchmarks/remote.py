"""The network device: what a step costs through a server on loopback, and a soak with everything that goes wrong."""
from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import soak as soaking
from benchmarks.chain import _row
from quarl.build_flows.building import flow, subject
from quarl.build_flows.building.options import Options
from quarl.host import policy
from quarl.host.policy import codec
from quarl.host.policy.integer import accumulators
from quarl.host.remote import keys
from quarl.host.remote.client import RemoteDevice
from quarl.models.actors.bits import Bits

_STEPS, _RUNS = 5000, 5
# Serves the emulated accelerator in sys.argv[1], with the keys in sys.argv[2] if there are any.
_SERVER = """
import sys
from quarl.host import policy
from quarl.host.devices.emulator import EmulatorDevice
from quarl.host.remote.server import serve
read = policy.read(sys.argv[1] + "/policy")
serve(read, EmulatorDevice(read, sys.argv[1] + "/accel"), "tcp://127.0.0.1:0", *sys.argv[2:],
      say=lambda text: print(text, flush=True))
"""


def latency() -> list[dict[str, Any]]:
    """Median time of a step of 4-64-64-2 W4 A4 I8 on the emulated RTL through a server, with and without keys.

    The least of several runs, in turns: what else a machine does only adds to it.
    """
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
        folder = Path(name)
        what = subject.random((4, 64, 64, 2), Bits(4, 4, 8), 0, folder / "policy", _STEPS)
        flow.build(what, Options(), folder / "accel")
        keys.create(folder / "keys")
        codes = codec.encode(what.policy, what.observations)
        pairs = [[_median_us(what.policy, folder, codes, each) for each in (None, folder / "keys")]
                 for _ in range(_RUNS)]
    (without, _), (secured, emulated) = (min(column) for column in zip(*pairs, strict=True))
    return [_row("host.remote_step_with_curve", secured,
                 f"us, p50, least of {_RUNS} runs, of which {emulated:.0f} in the emulator; baseline: no keys",
                 "<= 250", secured <= 250, without)]


def _median_us(what: policy.Policy, folder: Path, codes: np.ndarray, key_folder: Path | None) -> tuple[float, float]:
    """Of a step, and of what the device at the server takes of it."""
    command = [sys.executable, "-c", _SERVER, str(folder), *([str(key_folder)] if key_folder else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            address = next(word for word in line.replace(",", "").split() if "tcp://" in word)
            with RemoteDevice(what, address, key_folder) as device:
                times, replies = [], []
                for row in codes:
                    start = time.perf_counter_ns()
                    replies.append(device.step(row))
                    times.append(time.perf_counter_ns() - start)
        finally:
            server.terminate()
            server.communicate()
    if not np.array_equal([reply.accumulators for reply in replies], accumulators(what, codes)):
        raise RuntimeError("the remote device must equal the reference")
    first = len(times) // 10
    elsewhere = [whole - (reply.network_ns or 0) for whole, reply in zip(times, replies, strict=True)]
    return float(np.median(times[first:])) / 1e3, float(np.median(elsewhere[first:])) / 1e3


def soak(steps: int = 1_000_000) -> list[dict[str, Any]]:
    """``steps`` steps on a bad network, under attack, with clients and servers that die."""
    found = soaking.run(steps)
    what = "host.remote_soak_"
    return [_row(what + "steps_per_s", found["answered"] / found["seconds"],
                 "steps/s over %d steps with %d attacks and %d servers" % (
                     found["answered"], found["attacks"], found["server_lives"]), "> 0", True),
            *(_row(what + key, found[key], unit, "0", found[key] == 0) for key, unit in (
                ("wrong", "wrong answers"), ("crashes", "processes that ended by themselves"),
                ("second_inferences", "steps done twice by a server, or by one and the next after its orderly end"),
                ("attacks_that_got_in", "attacks"))),
            _row(what + "second_inferences_after_sigkill", found["second_inferences_after_sigkill"],
                 "steps under way when a server was killed, done again by the next",
                 "<= %d, one a kill" % found["server_sigkills"],
                 found["second_inferences_after_sigkill"] <= found["server_sigkills"]),
            _row(what + "memory_growth", found["memory_growth_mb"], "MB in the server, over the last 45 %", "< 2",
                 found["memory_growth_mb"] < 2)]
