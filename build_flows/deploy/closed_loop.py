"""A run's policy on a device, in its environment."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from quarl.build_flows.building import artefacts
from quarl.build_flows.building.ensure_package import ensure_package
from quarl.build_flows.deploy.progress_bar import Live
from quarl.build_flows.deploy.tensorboard import Scalars
from quarl.host import connect
from quarl.host.devices.interface import Device
from quarl.host.errors import UserError
from quarl.host.log.observer import Observer
from quarl.host.loop import play as closed_loop
from quarl.host.loop.play import LOG_MB
from quarl.host.loop.settings import Settings


def opened(run: Path, device: str, keys: Path | None = None) -> Device:
    """The device by name for the policy of ``run``, to be used as a context manager; ``keys`` are for a server.

    Raises :class:`UserError` for an unknown device or a run that is not built.
    """
    policy = ensure_package(run)
    if device == "emulator" and artefacts.read(run / "accel")["accel"] is None:
        raise UserError("the emulator needs a built accelerator", f"none in {run}",
                        f"build it with `quarl build {run}`")
    return connect.create(device, policy, run / "accel", keys)


def play(run: Path, device: str, settings: Settings, keys: Path | None = None, log_mb: float = LOG_MB,
         tensorboard: bool = False) -> tuple[dict[str, Any], Path]:
    """Play on ``device``, see :func:`quarl.host.loop.play.play`: the summary and the path of the log.

    With ``tensorboard`` there is a folder of scalars beside it.
    Raises :class:`UserError` for an unknown device or a run that is not built.
    """
    log = closed_loop.log_path(run, device)

    def observers() -> list[Observer]:
        return [Live(settings.episodes), *([Scalars(log.parent / "tensorboard" / log.stem)] if tensorboard else [])]

    return closed_loop.play(ensure_package(run), opened(run, device, keys), log, settings, run / "accel", log_mb,
                            observers), log
