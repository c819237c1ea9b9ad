"""A server in a thread, and devices that tell what was asked of them."""
from __future__ import annotations

import contextlib
import socket
import threading

import numpy as np

from quarl.host.devices.integer import IntegerDevice
from quarl.host.devices.interface import Reply
from quarl.host.remote.server import Server
from tests.host.helpers import random_policy

POLICY = random_policy([4, 8, 3], 4, 3, 8, seed=0)


class CountingDevice(IntegerDevice):
    """The reference, which keeps the bytes of all codes that it was given, and fails when told so."""

    def __init__(self, policy=POLICY):
        super().__init__(policy)
        self.seen, self.resets, self.error = [], 0, None

    def step_many(self, codes):
        return [self.step(row) for row in codes]

    def step(self, codes):
        self.seen.append(codes.tobytes())
        if self.error is not None:
            raise self.error
        return Reply(super().step(codes).accumulators, 7)

    def reset(self):
        self.resets += 1


@contextlib.contextmanager
def serving(device=None, keys=None, bind="tcp://127.0.0.1:0", lease_s=10.0, say=lambda text: None):
    """A running server for the block."""
    with device or CountingDevice() as opened, contextlib.closing(
            Server(opened.policy, opened, bind, keys, lease_s, say)) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join()


def free_port():
    """A port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def codes(count, seed=0):
    """Random codes of POLICY, int8 [count, 4]."""
    return np.random.default_rng(seed).integers(-128, 128, (count, 4)).astype(np.int8)
