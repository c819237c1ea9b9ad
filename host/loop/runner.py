"""The closed loop: environment, encode, device, decode, environment; timed and logged at every step."""
from __future__ import annotations

import contextlib
import time
import traceback
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from quarl.host.devices.interface import Device, Reply
from quarl.host.environments import environment
from quarl.host.environments.observations import tell_of_flattening
from quarl.host.environments.seeds import EVALUATION, episode_seeds
from quarl.host.errors import UserError
from quarl.host.log import resume
from quarl.host.log.meter import Meter
from quarl.host.log.observer import Observer
from quarl.host.log.run_log import RunLog
from quarl.host.loop import video
from quarl.host.loop.deadline import Deadline
from quarl.host.loop.episode import Episode
from quarl.host.loop.settings import Settings
from quarl.host.loop.shadow import Shadow, mismatch
from quarl.host.policy import Policy, codec

_SHOW_NS = 100_000_000                 # between two looks of the observers


class _Loop:
    """The episodes under way, one an environment, and what has come of the others."""

    def __init__(self, policy: Policy, device: Device, log: RunLog, settings: Settings, observers: Sequence[Observer],
                 wall: float):
        self.policy, self.device, self.log, self.settings = policy, device, log, settings
        self.observers, self.meter = observers, Meter()
        self.seeds = episode_seeds(EVALUATION, settings.seed, settings.episodes)
        self.deadline = None if settings.hz is None else Deadline(settings.hz)
        self.start, self.shown = time.perf_counter() - wall, 0

    def wall(self) -> float:
        """Seconds since the start, without those between a run that was cut off and its being resumed."""
        return time.perf_counter() - self.start

    def begin(self, index: int, env: Any) -> Episode:
        """Begin episode ``index``."""
        settings = self.settings
        shadow = Shadow(self.policy, settings.shadow, settings.seed, index) if settings.shadow else None
        film = None
        if settings.video is not None and index < video.EPISODES:
            film = video.Film(env, Path(settings.video) / ("episode-%d.mp4" % index))
        if self.deadline is not None:
            self.deadline.restart()
        return Episode(index, env, self.seeds[index], shadow, film)

    def end(self, episode: Episode) -> None:
        """An episode has ended."""
        record = episode.record(self.wall())
        self.log.write("episode", **record)
        self.meter.add(record, episode.times)
        if episode.film is not None:
            episode.film.finish()
        for observer in self.observers:
            observer.ended(record)

    def step(self, episodes: List[Episode]) -> List[Episode]:
        """One step of each of ``episodes``, in one batch. Returns those that have ended by it."""
        late = None if self.deadline is None else self.deadline.wait()
        clock = time.perf_counter_ns
        t0 = clock()
        codes = self._encode(episodes)
        t1 = clock()
        replies = self.device.step_many(codes) if len(codes) > 1 else [self.device.step(codes[0])]
        t2 = clock()
        if self.settings.shadow:
            self._compare(episodes, codes, replies)
        t3 = clock()
        _, actions = codec.decode(self.policy, np.array([reply.accumulators for reply in replies]))
        t4 = clock()
        network = [reply.network_ns for reply in replies if reply.network_ns is not None]
        ended = []
        for episode, reply, action in zip(episodes, replies, actions):
            begun = clock()
            reward, done = episode.act(action)
            spent = [t1 - t0, t2 - t1 - sum(network), t4 - t3, clock() - begun]
            if network:
                spent.append(sum(network))
            episode.times.add(spent, reply.cycles, late)
            self.log.step(episode.index, episode.steps - 1, action.tolist(), reward, spent, reply.cycles, late)
            if episode.film is not None:
                episode.film.shoot()
            if done or episode.steps == self.settings.max_steps:
                ended.append(episode)
        if t4 - self.shown > _SHOW_NS and self.deadline is None:     # to look on takes longer than a period may be
            self.shown = t4
            for observer in self.observers:
                observer.playing(episodes[0].index, episodes[0].steps, episodes[0].total, (t2 - t1) / 1e3)
        return ended

    def _encode(self, episodes: List[Episode]) -> np.ndarray:
        seen = [episode.observation for episode in episodes]
        codes = self.device.encode(seen if len(seen) > 1 else seen[0])
        if len(codes) != len(seen):                                  # the codec took it for a batch
            raise UserError("an observation must have the shape %s" % (self.policy.observation_shape,),
                            "shape %s" % (np.shape(seen[0]),), "check the environment")
        return codes

    def _compare(self, episodes: List[Episode], codes: np.ndarray, replies: Sequence[Reply]) -> None:
        """The shadow check, before an action comes of what the device said. Raises ``MismatchError``."""
        for episode, code, reply in zip(episodes, codes, replies):
            if episode.shadow is not None:
                difference = episode.shadow.check(episode.steps, code, reply.accumulators)
                if difference is not None:
                    self.log.write("mismatch", **difference)
                    if self.settings.shadow_stops:
                        raise mismatch(difference)


def run(policy: Policy, device: Device, log: RunLog, settings: Settings, clock_mhz: Optional[float] = None,
        resources: Optional[Dict[str, Any]] = None, observers: Sequence[Observer] = ()) -> Dict[str, Any]:
    """Play on an open ``device`` and return the summary.

    Every step and episode goes to ``log``, and ``observers`` are told. The figures are those of
    :meth:`Meter.summary` with the device's own counters since the start or the resumption, and, where the device
    counts clock cycles, the given ``resources``. Raises :class:`UserError` for an environment that does not fit the
    policy, an observation or reward that is no number, and for a log that is not that of the run to resume;
    ``MismatchError`` of the shadow check; and what the device raises.
    """
    header = dict(settings.describe(policy, device.name), accelerator=device.stats().get("accelerator"))
    with contextlib.ExitStack() as stack:
        envs = _environments(policy, settings, stack)
        played, summary = resume.take_up(log.path, header) if settings.resume else ([], None)
        wall = max([record["wall_s"] for record, _ in played], default=0)
        loop = _Loop(policy, device, log, settings, observers, wall)
        for record, times in played:
            loop.meter.add(record, times)
            for observer in observers:
                observer.ended(record)
        if summary is not None:
            return summary
        device.reset()
        log.append = bool(played)
        if not played:
            log.write("run", **header)
        try:
            _play(loop, envs, [index for index in range(settings.episodes)
                               if index not in {record["episode"] for record, _ in played}])
        except UserError as error:
            if error.__cause__ is not None:                          # the environment's own
                log.write("error", text=str(error), traceback=traceback.format_exc())
            raise
        loop.meter.episodes.sort(key=lambda record: record["episode"])
        summary = dict(loop.meter.summary(loop.wall(), clock_mhz), task=header["task"], device=device.name,
                       device_stats=device.stats(), resources=resources if loop.meter.times.cycles else None)
        log.write("summary", **summary)
        return summary


def _environments(policy: Policy, settings: Settings, stack: contextlib.ExitStack) -> List[Any]:
    """The environments of the run, to be closed by ``stack``. Raises :class:`UserError`."""
    envs, described = [], settings.environment(policy)
    for _ in range(min(settings.envs, settings.episodes)):
        envs.append(environment.make(described, *([] if settings.video is None else ["rgb_array"])))
        stack.callback(envs[-1].close)
    tell_of_flattening(envs[0], described.task)
    environment.check_fits(envs[0], policy)
    if settings.video is not None:
        video.check(envs[0])
    return envs


def _play(loop: _Loop, envs: List[Any], indices: List[int]) -> None:
    """Play the episodes ``indices``; an environment takes the next one when its own has ended."""
    waiting = iter(indices)
    playing: List[Episode] = []
    try:
        playing.extend(loop.begin(index, env) for env, index in zip(envs, waiting))
        while playing:
            for episode in loop.step(playing):
                loop.end(episode)
                place = playing.index(episode)
                playing[place:place + 1] = [loop.begin(index, episode.env) for _, index in zip(range(1), waiting)]
    finally:
        for episode in playing:
            if episode.film is not None:
                episode.film.discard()
