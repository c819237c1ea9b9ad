"""Every long command ends within seconds of a signal, at whatever moment, with all that it has started."""
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quarl.hw.tools.descendants import descendants
from tests.build_flows.cli.test_cli import QUARL, wait_for

STUDY = """\
name: long
groups:
  - {tasks: CartPole-v1, algos: ppo, steps: 5000000, precisions: [qat4], seeds: [0, 1, 2]}
"""
TRAIN = "train --task CartPole-v1 --steps 5000000 --out new"
SEARCH = "search --task CartPole-v1 --steps 5000000 --seeds 1 --jobs 1 --out found"
COMMANDS = {"train": TRAIN, "search": SEARCH, "study --jobs 1": "study long.yaml --jobs 1",
            "study --jobs 2": "study long.yaml --jobs 2", "build": "build run --target synth --energy",
            "run": "run run --device integer --episodes 100000"}
WITHIN = 3 + 2          # s: what is promised, and as much again as a busy machine may take to notice
SECONDS = 12            # after which all of them are at their long work
HOOK = """
import os, signal, sys
class Hook:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r} and self in sys.meta_path:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.{number})
sys.meta_path.insert(0, Hook())
from quarl.build_flows.cli import main
sys.exit(main())
"""


@pytest.fixture
def place(trained_run, tmp_path):
    """A folder with a trained run and a study, and a cache of its own, in which nothing is built."""
    shutil.copytree(trained_run, tmp_path / "run")
    (tmp_path / "long.yaml").write_text(STUDY)
    return tmp_path


def heeds(process):
    """Whether the command has begun: it catches SIGTERM."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> signal.SIGTERM - 1 & 1)


def check_stops(place, name, number, after, whole_group=False):
    """Signal the command ``after`` seconds of its work, or its whole process group, as a terminal does."""
    environment = {**os.environ, "QUARL_CACHE": str(place / "cache"), "TMPDIR": str(place)}
    process = subprocess.Popen([*QUARL, *COMMANDS[name].split()], cwd=place, env=environment, start_new_session=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert wait_for(lambda: heeds(process), 30)
        time.sleep(after)
        assert process.poll() is None, process.communicate()
        started = descendants(process.pid)
        (os.killpg if whole_group else os.kill)(process.pid, number)
        start = time.monotonic()
        process.wait(20)
        assert process.returncode == 130 and time.monotonic() - start < WITHIN, process.communicate()
        assert wait_for(lambda: not any(map(lives, started)), start + WITHIN - time.monotonic())
        assert process.stderr.read().splitlines()[-1].startswith("interrupted: ")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def lives(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("name", [name if name in ("search", "study --jobs 2") else
                                  pytest.param(name, marks=pytest.mark.slow) for name in COMMANDS])
def test_at_its_work(place, name):
    check_stops(place, name, signal.SIGTERM, SECONDS)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("name", COMMANDS)
def test_at_a_random_moment(place, name, number):
    after = random.uniform(0, SECONDS)
    print(f"after {after:.2f} s")
    check_stops(place, name, number, after, whole_group=random.random() < 0.5)


@pytest.mark.parametrize(("module", "number"), [
    ("sympy", "SIGTERM"), pytest.param("sympy.printing", "SIGINT", marks=pytest.mark.slow),
    pytest.param("torch._dynamo.utils", "SIGHUP", marks=pytest.mark.slow)])
def test_while_a_library_is_imported_that_swallows_it(tmp_path, module, number):
    """torch goes on without sympy, and sympy without its parts."""
    code = HOOK.format(module=module, number=number)
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code, *TRAIN.split()], cwd=tmp_path, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 130 and done.stderr.splitlines()[-1].startswith("interrupted: "), done.stderr
    assert time.monotonic() - start < 30
