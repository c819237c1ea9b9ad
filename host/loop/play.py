"""A run in the closed loop with its files: the log, the table of its episodes, and what the accelerator is."""
from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from quarl.host.accelerator import description
from quarl.host.console import say
from quarl.host.devices.interface import Device
from quarl.host.errors import UserError
from quarl.host.log.episode_table import EpisodeTable
from quarl.host.log.observer import Observer
from quarl.host.log.run_log import TABLE, RunLog
from quarl.host.loop import runner
from quarl.host.loop.settings import Settings
from quarl.host.policy import Policy

LOG_MB = 64.0


def log_path(folder: Path, device: str) -> Path:
    """Where the run on the device of that name is logged, below the run folder."""
    return folder / "run" / (re.sub(r"[^\w.]+", "-", device) + ".jsonl")


def play(policy: Policy, device: Device, log: Path, settings: Settings, accel: Path, log_mb: float,
         observers: Callable[[], List[Observer]]) -> Dict[str, Any]:
    """Open ``device`` and play: the summary of ``runner.run``. The parts of the ``log`` have ``log_mb``.

    The log of an earlier run is kept under another name, and a line says so. Beside it is a table of the episodes,
    ``.csv``. ``observers`` are made once the device is open, and closed.
    ``accel`` is the folder of the accelerator, if one is built. Raises :class:`UserError`, and what the runner raises.
    """
    if not log_mb > 0:
        raise UserError("a part of the log must be larger than nothing", log_mb, "pass --log-max-mb %g" % LOG_MB)
    with contextlib.ExitStack() as stack:
        stack.enter_context(device)
        writer = stack.enter_context(RunLog(log, round(log_mb * 1e6)))
        told = [*observers(), EpisodeTable(log.with_suffix(TABLE))]
        for observer in told:
            stack.callback(observer.close)
        summary = runner.run(policy, device, writer, settings, *_known(device, accel), told)
    if writer.earlier is not None:
        say("the log of the run before is kept: %s" % writer.earlier)
    return summary


def _known(device: Device, accel: Path) -> Tuple[Optional[float], Optional[Dict[str, Any]]]:
    """Clock (MHz) and resources of the accelerator in ``accel``, None where the device has another one, or none is."""
    built, synthesised = _read(accel / "accel.json"), _read(accel / "reports" / "synth.json")
    played_on = device.stats().get("accelerator")
    if built is None or (played_on is not None and played_on != description.read(accel).hash):
        return None, None
    return built["clock_mhz"], synthesised and synthesised["total"]


def _read(path: Path) -> Any:
    return json.loads(path.read_text()) if path.exists() else None
