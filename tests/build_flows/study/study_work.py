"""Work that takes the place of training, so that a study is tested in seconds, and a command that uses it."""
import functools
import os
import sys
import time
from pathlib import Path

from build_flows import cli
from build_flows.study import results, runner

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


def note(runs, line):
    """Say in ``runs/log`` what happens; lines this short are appended whole."""
    runs.mkdir(parents=True, exist_ok=True)
    with open(runs / "log", "a") as log:
        log.write(line + "\n")


def quick(job, runs, folder, study):
    """Every point succeeds at once."""
    note(runs, job.training.name)
    return [results.write(folder, point, record()) for point in job.points]


def partly(job, runs, folder, study):
    """Seed 1 fails while ``runs/broken`` exists."""
    note(runs, job.training.name)
    broken = job.training.seed == 1 and (runs / "broken").exists()
    return [results.write(folder, point, {"error": "broken"} if broken else record()) for point in job.points]


def slow(job, runs, folder, study):
    """Seeds above 0 take a minute."""
    from build_flows.study.points import _end_with
    _end_with(study)
    note(runs, str(os.getpid()))
    time.sleep(60 * (job.training.seed > 0))
    return quick(job, runs, folder, study)


def dies(job, runs, folder, study):
    """The worker is gone, as if the system had killed it for its memory."""
    os._exit(9)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    import study_work
    runner.run = functools.partial(runner.run, work=getattr(study_work, sys.argv[1]))
    sys.exit(cli.main(["study", *sys.argv[2:]]))
