"""The board package in clean environments of the board's Pythons, with the emulated RTL behind the registers."""
import contextlib
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from quarl.build_flows.building import flow, subject
from quarl.build_flows.building.options import Options
from quarl.build_flows.deploy.board_package import write_package
from quarl.host import policy as package
from quarl.host.policy.integer import accumulators
from quarl.host.remote.client import RemoteDevice
from tests.build_flows.deploy.board_package import Machine, unpack
from tests.host.helpers import random_codes

pytestmark = pytest.mark.slow

ENVIRONMENTS = [("3.8", "numpy==1.20.3", "gymnasium==0.26.3", "pyzmq==22.3.0"),        # PYNQ 2.7
                ("3.10", "numpy==1.21.6", "gymnasium==0.29.1", "pyzmq==22.3.0"),       # PYNQ 3.0 and 3.1
                ("3.10", "numpy==1.26.4", "gymnasium==1.0.0", "pyzmq==26.2.0")]        # the newest of numpy 1


def interpreter(version):
    """A Python of this version, on the PATH or of pyenv; skips the test where there is none."""
    found = [shutil.which("python" + version), *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))]
    for each in filter(None, found):
        # On the PATH may be a shim of pyenv that leads nowhere.
        done = subprocess.run([each, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True,
                              text=True)
        if done.stdout.strip() == version:
            return each
    pytest.skip(f"no Python {version}, on which the board's code is tested: pyenv install {version}")


@pytest.fixture(scope="module")
def made(trained_run, tmp_path_factory):
    """An unpacked package of a built run, and its emulator, which is not in the package."""
    folder = tmp_path_factory.mktemp("board")
    run = shutil.copytree(trained_run, folder / "run")
    flow.build(subject.of_run(run), Options(), run / "accel")
    (run / "accel" / "accel.bit").touch()
    write_package(run / "policy", run / "accel", folder / "board.tar.gz")
    unpacked = unpack(folder / "board.tar.gz", folder)
    shutil.copy(run / "accel" / "emulator.so", unpacked / "accel")
    shutil.copytree(run / "accel" / "rtl", unpacked / "accel" / "rtl")
    return unpacked


@pytest.fixture(scope="module", params=ENVIRONMENTS, ids=" ".join)
def machine(request, tmp_path_factory):
    """A new virtual environment with what a board has."""
    version, *packages = request.param
    scratch = tmp_path_factory.mktemp("machine")
    subprocess.run([interpreter(version), "-m", "venv", scratch / "venv"], check=True)
    python = scratch / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True)
    return Machine(scratch, python)


@pytest.fixture(scope="module")
def home(made, machine):
    prefix = machine.scratch / "home"
    done = machine.install(made, prefix)
    assert (done.returncode, done.stderr) == (0, "")
    return prefix


def test_every_device_plays_alike(home, machine):
    reference = machine.play(home, "integer")
    emulated = machine.play(home, "emulator")
    in_numpy = machine.play(home, "integer", compiler=False)
    assert (reference["device_stats"]["step"], in_numpy["device_stats"]["step"]) == ("c", "numpy")
    in_c, in_python = machine.play(home, "pynq"), machine.play(home, "pynq", compiler=False)
    assert (in_c["device_stats"]["step"], in_python["device_stats"]["step"]) == ("c", "python")
    assert len(reference["played"]) == reference["steps"] + 2 > 20
    for other in (emulated, in_numpy, in_c, in_python):
        assert other["played"] == reference["played"]
        assert other["device_stats"]["inferences"] == reference["steps"]
    assert emulated["fpga_cycles"] == in_c["fpga_cycles"] == in_python["fpga_cycles"]


def test_serves_this_python(home, made, machine):
    policy = package.read(made / "policy")
    codes = random_codes(policy, 20, 0)
    assert machine.call("/bin/sh", home / "quarl", "keys", home / "keys").returncode == 0
    command = ["/bin/sh", home / "quarl", "serve", "--device", "emulator", "--bind", "tcp://127.0.0.1:0", "--keys",
               home / "keys"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server, \
            contextlib.ExitStack() as stack:
        stack.callback(server.kill)
        address = server.stdout.readline().split(" at ")[1].split(",")[0]
        with RemoteDevice(policy, address, home / "keys") as device:
            found = [device.step(row).accumulators for row in codes]
        server.send_signal(signal.SIGTERM)
        out, error = server.communicate()
    assert (server.returncode, error) == (0, "") and out.endswith("ended after 20 inferences\n")
    assert np.array_equal(found, accumulators(policy, codes))
