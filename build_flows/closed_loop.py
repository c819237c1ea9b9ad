"""A run's policy on a device, in its environment."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from build_flows import artefacts
from build_flows.console import say
from build_flows.export import ensure_package
from host import devices, runner
from host.device import Device
from host.errors import UserError
from host.runlog import RunLog


def opened(run: Path, device: str) -> Device:
    """The device by name for the policy of ``run``, to be used as a context manager.

    Raises :class:`UserError` for an unknown device or a run that is not built.
    """
    policy = ensure_package(run)
    if device == "emulator" and artefacts.read(run / "accel")["accel"] is None:
        raise UserError("the emulator needs a built accelerator", f"none in {run}",
                        f"build it with `quarl build {run}`")
    return devices.create(device, policy, run / "accel")


def play(run: Path, device: str = "emulator", episodes: int = 10, seed: int = 0, max_steps: int | None = None,
         task: str | None = None) -> tuple[dict[str, Any], Path]:
    """Play ``episodes`` on ``device``: the summary of :func:`host.runner.run` and the path of the log.

    Raises :class:`UserError` for an unknown device or a run that is not built.
    """
    policy = ensure_package(run)
    built = artefacts.read(run / "accel")
    path = run / "run" / (device + ".jsonl")
    with opened(run, device) as ready, RunLog(path) as log:
        summary = runner.run(
            policy, ready, log, episodes, seed, max_steps, task=task,
            clock_mhz=built["accel"]["clock_mhz"] if device == "emulator" else None,
            resources=built["synth"]["total"] if device == "emulator" and built["synth"] else None,
            on_episode=lambda index, total: say("episode %d of %d: return %g" % (index + 1, episodes, total)))
    return summary, path
