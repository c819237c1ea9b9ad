"""Work that takes the place of training, so that a study is tested in seconds, and a command that uses it."""
import functools
import os
import signal
import sys
import time
from pathlib import Path

from quarl.build_flows import cli
from quarl.build_flows.study import runner
from quarl.build_flows.study.jobs import Outcome

GRID = """\
name: tiny
episodes: 2
groups:
  - {tasks: CartPole-v1, algos: ppo, steps: 512, precisions: [qat4], seeds: [0, 1, 2, 3]}
"""


def record(returns=(1.0, 2.0), **changes):
    """What measuring a point gives."""
    return {"training": {"trained_timesteps": 512, "seconds": 0.5},
            "evaluation": {"backend": "integer", "episodes": len(returns), "seed": 0, "returns": list(returns)},
            "parity": {"observations": 10000, "mismatches": 0}, "seconds": 1.0, "versions": {}, **changes}


def design_record(returns=(1.0, 2.0)):
    """What building and playing a point gives."""
    synthesis = dict.fromkeys(("lut", "lut_logic", "lut_memory", "ff", "carry4", "dsp", "bram36"), 0) | {"lut": 1234}
    return record(returns, hardware={
        "board": "pynq-z2", "clock_mhz": 100, "folding": [[4, 4]], "latency_cycles": 92, "interval_cycles": 64.0,
        "synthesis": synthesis, "percent": {"lut": 2.3}, "build_seconds": 40.0,
        "estimate": {"latency_cycles": 92, "stream_latency_cycles": 89, "interval_cycles": 64, "lut": 1300, "dsp": 0}})


def note(runs, line):
    """Say in ``runs/log`` what happens; lines this short are appended whole."""
    runs.mkdir(parents=True, exist_ok=True)
    with open(runs / "log", "a") as log:
        log.write(line + "\n")


def quick(job, runs):
    """Every point succeeds at once."""
    note(runs, job.design.name if job.design else job.training.name)
    return Outcome(tuple(design_record() if point.engine else record() for point in job.points))


def partly(job, runs):
    """Seed 1 fails while ``runs/broken`` exists."""
    if job.training.seed == 1 and (runs / "broken").exists():
        note(runs, job.training.name)
        return Outcome(({"error": "broken"},) * len(job.points), "broken")
    return quick(job, runs)


def slow(job, runs):
    """Seeds above 0 take a minute."""
    note(runs, str(os.getpid()))
    time.sleep(60 * (job.training.seed > 0))
    return quick(job, runs)


def dies_once(job, runs):
    """The first worker that takes up seed 1 is gone, as if the system had killed it for its memory."""
    if job.training.seed == 1 and not (runs / "died").exists():
        runs.mkdir(parents=True, exist_ok=True)
        (runs / "died").touch()
        os._exit(9)
    return quick(job, runs)


def stays_away(job, runs):
    """The first job that comes to a node of Ray which is marked as lost stays there until the node is gone."""
    import ray
    mark = Path(os.environ["QUARL_TEST_LOST_NODE"])
    if mark.exists() and mark.read_text() == ray.get_runtime_context().get_node_id():
        mark.with_suffix(".arrived").touch()
        time.sleep(600)
    return quick(job, runs)


def dies(job, runs):
    """Whatever process takes up seed 1 is killed, as the system does for its memory."""
    if job.training.seed == 1:
        note(runs, str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(job, runs)


def dies_beside(job, runs):
    """As :func:`dies`, while seed 0 is at work."""
    if job.training.seed == 0:
        note(runs, "begun")
        while not any(line.isdigit() for line in (runs / "log").read_text().split()):
            time.sleep(0.05)
        time.sleep(1)
    return dies(job, runs)


if __name__ == "__main__":
    from tests.build_flows.study import study_work as itself  # whose functions other processes can import
    runner.run = functools.partial(runner.run, work=getattr(itself, sys.argv[1]))
    sys.exit(cli.main(["study", *sys.argv[2:]]))
