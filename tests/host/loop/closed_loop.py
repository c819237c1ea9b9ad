"""Policies that play real environments, a device with a made-up clock, and a run of them."""
from __future__ import annotations

import numpy as np

from quarl.host.devices.integer import IntegerDevice
from quarl.host.devices.interface import Reply
from quarl.host.log.run_log import RunLog, records
from quarl.host.loop import runner
from quarl.host.loop.settings import Settings
from quarl.host.policy import ActionSpace, Layer
from tests.host.helpers import make_policy, vector


def cartpole_policy(**changes):
    """Push towards the side to which the pole leans and falls: balances it for hundreds of steps."""
    return make_policy(**{
        "task": "CartPole-v1", "input_bits": 8, "observation_shape": (4,), "encode_scale": vector(10, 20, 200, 40),
        "encode_offset": vector(0, 0, 0, 0), "layers": (Layer(np.array([[0, 0, -1, -1], [0, 0, 1, 1]], np.int8), 2),),
        "decode_scale": vector(1, 1), "decode_bias": vector(0, 0), **changes})


def pendulum_policy():
    """One hidden channel of two bits, and one clipped output."""
    layers = (Layer(np.array([[1, 1, 1]], np.int8), 2, np.array([[-5, 0, 5]], np.int32), 2),
              Layer(np.array([[1]], np.int8), 2))
    return make_policy(
        task="Pendulum-v1", observation_shape=(3,), action=ActionSpace("box", 0, (-2.0,), (2.0,)), head="clip",
        encode_scale=vector(4, 4, 1), encode_offset=vector(0, 0, 0), layers=layers,
        decode_scale=vector(2), decode_bias=vector(-3))


class Clocked(IntegerDevice):
    """The reference with a made-up latency, which counts what is asked of it and may fail, or answer wrongly."""

    name = "clocked"

    def __init__(self, policy, fail_at=None, error=KeyboardInterrupt, wrong_at=(), network_ns=None):
        super().__init__(policy)
        self.steps, self.resets, self.batches = 0, 0, []
        self.fail_at, self.error, self.wrong_at, self.network_ns = fail_at, error, wrong_at, network_ns

    def step(self, codes):
        self.steps += 1
        if self.steps == self.fail_at:
            raise self.error
        assert codes.dtype == np.int8 and codes.shape == (self.policy.features,)
        found = super().step(codes).accumulators.copy()
        if self.steps in self.wrong_at:
            found[-1] += 3
        return Reply(found, 20 + self.steps % 3, self.network_ns)

    def step_many(self, codes):
        self.batches.append(len(codes))
        return [self.step(row) for row in codes]

    def reset(self):
        self.resets += 1

    def stats(self):
        return {"inferences": self.steps}


def play(path, policy=None, device=None, clock_mhz=None, resources=None, observers=(), max_bytes=None, **settings):
    """Summary and records of a run."""
    policy = policy or cartpole_policy()
    with device or IntegerDevice(policy) as device, RunLog(path, max_bytes) as log:
        summary = runner.run(policy, device, log, Settings(**settings), clock_mhz, resources, observers)
    return summary, list(records(path))


def of(kind, entries):
    """The records of one type."""
    return [entry for entry in entries if entry["type"] == kind]
