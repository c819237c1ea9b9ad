"""The closed loop: environment, encode, device, decode, environment; timed and logged at every step."""
from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Optional

import numpy as np

from host import codec, environment
from host.device import Device
from host.errors import UserError
from host.policy import Policy
from host.runlog import RunLog

PARTS = ("encode", "device", "decode", "env")
FIRST_SEED = 1_000_000                 # training draws its seeds from 0 upwards: every episode here is a fresh one
SEED_STRIDE = 100_000                  # episodes that a run can have before its seeds meet the next run's


class Meter:
    """Collects one run's figures: times in ns per part and step, cycles, returns."""

    def __init__(self) -> None:
        self.times: List[List[int]] = []
        self.cycles: List[int] = []
        self.returns: List[float] = []
        self.lengths: List[int] = []

    def summary(self, wall: float, clock_mhz: Optional[float]) -> Dict[str, Any]:
        """The closing figures: return, steps per second, latency percentiles in microseconds, cycles."""
        spent = np.asarray(self.times, np.float64).reshape(-1, len(PARTS)) / 1e3
        columns = dict(zip(PARTS, spent.T))
        columns["policy"] = spent[:, :3].sum(axis=1)      # what the host waits for: encode + device + decode
        result: Dict[str, Any] = {
            "episodes": len(self.returns), "steps": len(spent),
            "return_mean": float(np.mean(self.returns)), "return_std": float(np.std(self.returns)),
            "return_min": float(np.min(self.returns)), "return_max": float(np.max(self.returns)),
            "wall_s": wall, "steps_per_s": len(spent) / wall,
            "latency_us": {name: {"p%d" % p: float(np.percentile(column, p)) for p in (50, 90, 99)}
                           for name, column in columns.items()},
        }
        if self.cycles:
            cycles = np.asarray(self.cycles)
            result["fpga_cycles"] = {"min": int(cycles.min()), "p50": float(np.percentile(cycles, 50)),
                                     "max": int(cycles.max())}
            if clock_mhz:
                result["fpga_us"] = result["fpga_cycles"]["p50"] / clock_mhz
                result["clock_mhz"] = clock_mhz
        return result


def _episode(env: Any, policy: Policy, device: Device, seed: int, index: int, meter: Meter, log: RunLog,
             max_steps: Optional[int]) -> float:
    clock = time.perf_counter_ns
    observation, _ = env.reset(seed=seed)
    total, steps, done = 0.0, 0, False
    while not done:
        t0 = clock()
        codes = codec.encode(policy, observation)
        t1 = clock()
        reply = device.step(codes[0])
        t2 = clock()
        _, actions = codec.decode(policy, reply.accumulators.reshape(1, -1))
        t3 = clock()
        observation, reward, terminated, truncated, _ = env.step(actions[0])
        t4 = clock()
        spent = [t1 - t0, t2 - t1, t3 - t2, t4 - t3]
        meter.times.append(spent)
        if reply.cycles is not None:
            meter.cycles.append(reply.cycles)
        log.write("step", episode=index, step=steps, action=actions[0].tolist(), reward=float(reward),
                  ns=dict(zip(PARTS, spent)), cycles=reply.cycles)
        total, steps = total + float(reward), steps + 1
        done = terminated or truncated or steps == max_steps
    meter.lengths.append(steps)
    return total


def run(policy: Policy, device: Device, log: RunLog, episodes: int = 10, seed: int = 0,
        max_steps: Optional[int] = None, clock_mhz: Optional[float] = None,
        resources: Optional[Dict[str, Any]] = None, task: Optional[str] = None,
        on_episode: Callable[[int, float], None] = lambda index, total: None) -> Dict[str, Any]:
    """Play ``episodes`` episodes of ``task`` (default: the policy's) on an open ``device`` and return the summary.

    Every step and episode goes to ``log``; ``on_episode(index, return)`` is called after each. The figures are those
    of :meth:`Meter.summary` with the device's own counters and the given ``resources``.
    Raises :class:`UserError` for an environment that does not fit the policy.
    """
    for name, number in (("episodes", episodes), ("max-steps", 1 if max_steps is None else max_steps)):
        if number < 1:
            raise UserError("the number of %s must be at least 1" % name, number, "pass --%s 10" % name)
    if seed < 0:
        raise UserError("the seed must be 0 or more", seed, "choose another --seed")
    task = task or policy.task
    env = environment.make(task)
    meter = Meter()
    try:
        environment.check_fits(env, policy)
        device.reset()
        log.write("run", task=task, device=device.name, policy=policy.hash, episodes=episodes, seed=seed,
                  bits={"input": policy.input_bits, "layers": [[la.weight_bits, la.act_bits] for la in policy.layers]})
        start = time.perf_counter()
        for index in range(episodes):
            fresh = FIRST_SEED + SEED_STRIDE * seed + index
            total = _episode(env, policy, device, fresh, index, meter, log, max_steps)
            meter.returns.append(total)
            log.write("episode", episode=index, seed=fresh, length=meter.lengths[-1], **{"return": total})
            on_episode(index, total)
        summary = dict(meter.summary(time.perf_counter() - start, clock_mhz), task=task, device=device.name,
                       device_stats=device.stats(), resources=resources)
        log.write("summary", **summary)
        return summary
    finally:
        env.close()
