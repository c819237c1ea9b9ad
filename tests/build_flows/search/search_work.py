"""Measuring and estimating that take no time, and a program that searches with them until it is killed."""
import os
import signal
import sys
from pathlib import Path

from quarl.build_flows.search import run
from quarl.build_flows.search.estimate import Estimate
from quarl.build_flows.search.question import Search
from quarl.build_flows.search.reward_parity import Parity
from quarl.build_flows.search.space import Candidate
from quarl.build_flows.search.storage import Storage

SEARCH = Search("CartPole-v1", "ppo", Parity("5%"), seeds=2, episodes=2, steps=512)


def candidate(core=8, hidden=64, **changes):
    """One that is 8 bits wide elsewhere."""
    return Candidate(**{**dict.fromkeys(("input", "first", "last", "act_first", "act_core"), 8), "core": core,
                        "hidden": hidden, **changes})


def estimate(search, of):
    """Smaller with every bit and channel; the smallest layers have the least latency."""
    bits = of.input + of.first + of.core + of.last + of.act_first + of.act_core
    return Estimate(100 + of.hidden * bits, of.hidden + 10)


def returns_of(point):
    """Of fp32 500; a policy is as good with 3 bits or more in the core and 16 channels, but seed 1 needs 24."""
    if not point.quantised:
        return [500.0, 500.0]
    core = point.bits().weights(3)[1]
    return [500.0 if core >= 3 and point.settings["net_arch"][0] >= 16 + 8 * point.seed else 100.0] * 2


def dies(job, runs):
    """The process is killed, as the system does for its memory."""
    os.kill(os.getpid(), signal.SIGKILL)


class Measure:
    """Results at once, of all points but those whose title has ``broken`` in it. Stops before number ``last``."""

    def __init__(self, last=None, stop=None, broken="nothing"):
        self.points, self.last, self.stop, self.broken = [], last, stop, broken

    def __call__(self, points):
        if self.last is not None and len(self.points) >= self.last:
            self.stop()
        self.points += points
        return [self.record(point) for point in points]

    def record(self, point):
        if self.broken in point.title:
            return {"error": "it is broken"}
        record = {"evaluation": {"returns": returns_of(point)}}
        if point.engine:
            of = point.bits()
            lut = 100 + point.settings["net_arch"][0] * (of.input + sum(of.weights(3)) + sum(of.acts(3)))
            record["hardware"] = {"synthesis": {"lut": lut + 7}, "latency_cycles": 42}
        return record

    @property
    def titles(self):
        return [point.title.removeprefix("CartPole-v1 ppo ") for point in self.points]


def search(folder, measure, trials=6, asked=SEARCH, estimating=estimate):
    """What is found in ``folder``, and all its trials."""
    folder.mkdir(parents=True, exist_ok=True)
    storage = Storage(folder, asked)
    return run.run(asked, trials, storage, measure, estimating), storage.trials()


if __name__ == "__main__":
    search(Path(sys.argv[1]), Measure(int(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGKILL)))
