"""A run's policy on a device, in its environment."""
from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

from build_flows import artefacts
from build_flows.export import ensure_package
from build_flows.live import Live
from build_flows.scalars import Scalars
from host import devices, runner
from host.device import Device
from host.episode_table import EpisodeTable
from host.errors import UserError
from host.observer import Observer
from host.runlog import RunLog
from host.settings import Settings

LOG_MB = 64.0


def opened(run: Path, device: str, keys: Path | None = None) -> Device:
    """The device by name for the policy of ``run``, to be used as a context manager; ``keys`` are for a server.

    Raises :class:`UserError` for an unknown device or a run that is not built.
    """
    policy = ensure_package(run)
    if device == "emulator" and artefacts.read(run / "accel")["accel"] is None:
        raise UserError("the emulator needs a built accelerator", f"none in {run}",
                        f"build it with `quarl build {run}`")
    return devices.create(device, policy, run / "accel", keys)


def play(run: Path, device: str, settings: Settings, keys: Path | None = None, log_mb: float = LOG_MB,
         tensorboard: bool = False) -> tuple[dict[str, Any], Path]:
    """Play on ``device``: the summary of :func:`host.runner.run` and the path of the log, whose parts have ``log_mb``.

    Beside it is a table of the episodes, ``.csv``, and with ``tensorboard`` a folder of scalars.
    Raises :class:`UserError` for an unknown device or a run that is not built.
    """
    if not log_mb > 0:
        raise UserError("a part of the log must be larger than nothing", log_mb, f"pass --log-max-mb {LOG_MB:g}")
    policy = ensure_package(run)
    built = artefacts.read(run / "accel")
    path = run / "run" / (re.sub(r"[^\w.]+", "-", device) + ".jsonl")
    with contextlib.ExitStack() as stack:
        ready = stack.enter_context(opened(run, device, keys))
        log = stack.enter_context(RunLog(path, round(log_mb * 1e6)))
        observers: list[Observer] = [Live(settings.episodes), EpisodeTable(path.with_suffix(".csv"))]
        if tensorboard:
            observers.append(Scalars(path.parent / "tensorboard" / path.stem))
        for observer in observers:
            stack.callback(observer.close)
        summary = runner.run(policy, ready, log, settings, observers=observers,
                             clock_mhz=built["accel"]["clock_mhz"] if built["accel"] else None,
                             resources=built["synth"]["total"] if built["synth"] else None)
    return summary, path
