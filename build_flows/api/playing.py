"""``quarl.open_device``, ``quarl.play`` and ``quarl.evaluate``: a run's policy at work."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from quarl.build_flows.api.calls import call
from quarl.host.files import PathLike

if TYPE_CHECKING:
    import numpy as np

    from quarl.build_flows.report.inputs import Log
    from quarl.host.devices.interface import Device
    from quarl.host.loop.settings import Settings


def open_device(run: PathLike, device: str = "emulator", keys: PathLike | None = None) -> Device:
    """An open device for the policy of a run. Close it, or use it in a ``with``; as --device of `quarl run`.

    ``device`` is ``emulator`` (the RTL of a built run, cycle by cycle), ``integer`` (the program on the CPU, in C),
    ``pynq`` or ``finn-dma`` (on a board), or ``tcp://HOST:PORT``, with the folder of ``keys`` for that server.

    ``device.act(observation)`` takes one raw observation, of the environment's shape and anything that float32 holds,
    and returns the action (int64, or float32 [n]) and a :class:`Reply`: accumulators int32 [outputs], and the latency
    in clock cycles of a device that has a clock.

    Raises ``UserError`` for a device that does not exist, a run that is not trained, or one that is not built for it;
    ``ToolError`` for hardware or a server that does not answer, and for a package that is missing.
    """
    with call("open_device"):
        from quarl.build_flows.deploy.closed_loop import opened
        found = opened(Path(run), device, None if keys is None else Path(keys))
        found.open()
        return found


def play(run: PathLike, device: str = "emulator", settings: Settings | None = None, *, keys: PathLike | None = None,
         log_mb: float = 64.0, tensorboard: bool = False, verbose: bool = False) -> Log:
    """Play episodes, the environment against the policy on a device, each step timed and logged; as `quarl run`.

    ``device`` and ``keys`` are those of ``open_device``. ``settings`` (default ``Settings()``) say how many episodes,
    which, at what rate, and what share of the steps the reference checks. The log is ``RUN/run/DEVICE.jsonl``, in
    parts of ``log_mb`` megabytes; ``tensorboard`` writes scalars beside it, ``verbose`` prints each episode.

    Returns the log: ``log.returns`` is float64 [episodes], ``log.episodes`` has a dict for each, ``log.summary`` the
    figures of the run: return, steps per second, percentiles of the times in µs, latency in clock cycles.

    Raises ``UserError`` for what cannot be played and for an observation or reward that is not finite, ``ToolError``
    for a device that fails, ``MismatchError`` where the shadow check finds a difference.
    """
    with call("play", verbose):
        from quarl.build_flows.deploy import closed_loop
        from quarl.build_flows.report.inputs import read_log
        from quarl.host.loop.settings import Settings
        _, log = closed_loop.play(Path(run), device, Settings() if settings is None else settings,
                                  None if keys is None else Path(keys), log_mb, tensorboard)
        return read_log(log)


def evaluate(run: PathLike, backend: str | Device = "integer", *, episodes: int = 20, seed: int = 0,
             keys: PathLike | None = None, max_episode_steps: int | None = None) -> np.ndarray:
    """Undiscounted returns, float64 [episodes], of episodes that training never saw; as `quarl eval`.

    ``backend`` is ``torch`` (the trained actor, also of an fp32 run), ``integer`` (the reference, all episodes at
    once), a device's name as for ``open_device``, with its ``keys``, or an open device. ``seed`` names the episodes;
    they are those that ``play`` plays, and the returns of a quantised policy are equal on all backends.
    ``max_episode_steps`` takes the place of the time limit of training.

    Raises ``UserError`` for a run that has not finished training, for no episodes, and for a backend that does not
    exist or is not built; ``ToolError`` for a package that is missing.
    """
    with call("evaluate"):
        from quarl.models.play import evaluate as software
        if isinstance(backend, str) and backend not in software.BACKENDS:
            with open_device(run, backend, keys) as device:
                return software.evaluate(run, episodes, seed, device, max_episode_steps)
        return software.evaluate(run, episodes, seed, backend, max_episode_steps)
