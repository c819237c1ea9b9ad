"""A run's policy on a device, in its environment."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from build_flows import artefacts
from build_flows.export import ensure_package
from build_flows.live import Live
from build_flows.scalars import Scalars
from host import closed_loop, devices
from host.closed_loop import LOG_MB
from host.device import Device
from host.errors import UserError
from host.observer import Observer
from host.settings import Settings


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
    """Play on ``device``, see :func:`host.closed_loop.play`: the summary and the path of the log.

    With ``tensorboard`` there is a folder of scalars beside it.
    Raises :class:`UserError` for an unknown device or a run that is not built.
    """
    log = closed_loop.log_path(run, device)

    def observers() -> list[Observer]:
        return [Live(settings.episodes), *([Scalars(log.parent / "tensorboard" / log.stem)] if tensorboard else [])]

    return closed_loop.play(ensure_package(run), opened(run, device, keys), log, settings, run / "accel", log_mb,
                            observers), log
