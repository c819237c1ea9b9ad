"""The board package on this machine: installed, tried out on every device, and refused where it does not fit."""
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys

import pytest

from quarl.build_flows.deploy.board_package import write_package
from tests.build_flows.deploy.board_package import Machine, make_run, unpack


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An unpacked package."""
    folder = tmp_path_factory.mktemp("board")
    run = make_run(folder / "run")
    write_package(run / "policy", run / "accel", folder / "board.tar.gz")
    return unpack(folder / "board.tar.gz", folder)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    return Machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def home(made, machine, tmp_path_factory):
    """An installation, in a folder whose name makes trouble."""
    prefix = tmp_path_factory.mktemp("home") / "it's 100% $HOME"
    done = machine.install(made, prefix)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"\ninstalled: {prefix}/quarl, see {prefix}/current/README.md\n")
    return prefix


@pytest.fixture
def unpacked(made, tmp_path):
    """A copy, free to be damaged."""
    return shutil.copytree(made, tmp_path / "unpacked")


def tree(folder):
    """All but compiled functions, which are kept by the processor's name."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else os.path.realpath(path)
            for path in folder.rglob("*") if path.suffix != ".so"}


def refused(done, error):
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (2, [error]), done.stderr


def test_every_device_plays_alike(home, machine):
    """The reference, and the board's own device with its step in C and in Python."""
    reference = machine.play(home, "integer")
    assert len(reference["played"]) == 122 and reference["steps"] == 120
    for compiler, kind in ((True, "c"), (False, "python")):
        board = machine.play(home, "pynq", compiler=compiler)
        assert board["device_stats"]["step"] == kind and board["device_stats"]["inferences"] == 120
        assert board["played"] == reference["played"] and board["clock_mhz"] == 100


def test_the_step_is_compiled_once_by_the_installation(home):
    assert len(list((home / "cache" / "step").iterdir())) == 1


def test_what_is_on_the_board_runs_and_nothing_else(home, machine, tmp_path):
    """Even from a folder that has another quarl/ in it, and it is not this repository's."""
    done = machine.call("/bin/sh", "-c", f'mkdir -p other/quarl; echo raise SystemExit > other/quarl/__init__.py; '
                                         f'cd other; {shlex.quote(str(home / "quarl"))} run nowhere')
    refused(done, "error: a policy package is a folder with manifest.json, weights.npz and policy.onnx, found No such "
                  "file or directory at nowhere/policy/manifest.json. Fix: export the run again with `quarl export "
                  "RUN`.")


def test_doctor(home, machine):
    done = machine.call("/bin/sh", home / "quarl", "doctor", "--pc", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout.splitlines()[-1])["found"]
    assert found["step"] == "compiled C" and found["accelerator"] == "for pynq-z2 at 100 MHz"
    assert found["bitstream"].endswith("/accel/accel.bit") and found["policy"].startswith("CartPole-v1 (")
    refused(machine.call("/bin/sh", home / "quarl", "doctor"),
            f"error: a board must run Linux on armv7l or aarch64, found Linux on {os.uname().machine}. "
            "Fix: install it on the board, or try it out on a PC with --pc.")


def test_the_unit_starts_the_server_and_stops_it(home, machine):
    """What systemd would run, after its own rules for quotes, % and $."""
    unit = dict(line.split("=", 1) for line in (home / "current" / "quarl.service").read_text().splitlines()
                if "=" in line and not line.startswith("#"))
    assert unit["KillSignal"] == "SIGTERM" and unit["Restart"] == "on-failure"
    command = [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(unit["ExecStart"])]
    assert command[:2] == ["/bin/bash", "-lc"] and command[3:] == [f"{home}/quarl", f"{home}/keys"]
    assert machine.call("/bin/sh", home / "quarl", "keys", home / "keys").returncode == 0
    command[2] = command[2].replace("0.0.0.0:5555", "127.0.0.1:0").replace("pynq", "integer")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server, \
            contextlib.ExitStack() as stack:
        stack.callback(server.kill)
        assert server.stdout.readline().startswith("serving CartPole-v1 (policy ")
        server.send_signal(signal.SIGTERM)
        out, error = server.communicate()
    assert (server.returncode, out, error) == (0, "ended after 0 inferences\n", "")


def test_installing_again_keeps_logs_and_keys(home, made, machine):
    before = os.readlink(home / "current")
    (home / "run" / "mine.jsonl").write_text("log")
    (home / "keys").mkdir(exist_ok=True)
    assert machine.install(made, home).returncode == 0
    after = os.readlink(home / "current")
    assert after != before and {path.name for path in home.iterdir()} == {
        after, ".quarl", "cache", "current", "keys", "quarl", "run"}
    assert (home / "current" / "run" / "mine.jsonl").read_text() == "log"


@pytest.mark.parametrize("damage", ["cut", "missing", "no sums"])
def test_a_damaged_package_changes_nothing(home, unpacked, machine, damage):
    before = tree(home)
    file = unpacked / {"cut": "accel/accel.bit", "missing": "policy/weights.npz", "no sums": "SHA256SUMS"}[damage]
    file.write_bytes(b"") if damage == "cut" else file.unlink()
    done = machine.install(unpacked, home)
    found = {"cut": "accel/accel.bit: FAILED", "missing": "sha256sum: policy/weights.npz: No such file or directory",
             "no sums": "sha256sum: SHA256SUMS: No such file or directory"}[damage]
    refused(done, f"error: the package must be whole, found {found}. Fix: copy the archive again and unpack it.")
    assert tree(home) == before


def test_a_check_that_fails_leaves_nothing(made, machine, tmp_path):
    done = machine.call("/bin/sh", made / "install.sh", "--prefix", tmp_path / "x")
    refused(done, f"error: a board must run Linux on armv7l or aarch64, found Linux on {os.uname().machine}. "
                  "Fix: install it on the board, or try it out on a PC with --pc.")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("number", ["TERM", "KILL"])
def test_an_interrupted_installation_leaves_the_earlier_one(home, made, machine, tmp_path, number):
    """A Python that ends the installation while it is at work."""
    before = tree(home)
    fatal = tmp_path / "python"
    fatal.write_text(f'#!/bin/sh\ncase "$*" in *executable*) echo "$0";; *compileall*) kill -{number} $PPID;; '
                     f'*) exec "{sys.executable}" "$@";; esac\n')
    fatal.chmod(0o755)
    assert machine.install(made, home, PYTHON=str(fatal)).returncode == {"TERM": 130, "KILL": -9}[number]
    after = tree(home)
    assert {name: after.get(name) for name in before} == before
    if number == "TERM":
        assert after == before
        return
    assert len(list(home.glob(".program-*"))) == 2
    assert machine.install(made, home).returncode == 0
    assert [path.name for path in home.glob(".program-*")] == [os.readlink(home / "current")]


def pretend(folder, machine, pynq):
    """Variables that make Python see another processor, and a distribution of pynq."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"import platform\nplatform.machine = lambda: {machine!r}\n")
    (folder / f"pynq-{pynq}.dist-info").mkdir()
    (folder / f"pynq-{pynq}.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: pynq\nVersion: {pynq}\n")
    return {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize(("processor", "version"), [("armv7l", "4.0"), ("armv7l", "3.1.2"), ("aarch64", "4.0")])
def test_pynq_4_is_refused_on_a_zynq_7000_alone(home, made, machine, tmp_path, processor, version):
    variables = pretend(tmp_path / "site", processor, version)
    refuses = (processor, version) == ("armv7l", "4.0")
    if refuses:
        before = tree(home)
        done = machine.call("/bin/sh", made / "install.sh", "--prefix", home, **variables)
        assert tree(home) == before
        refused(done, "error: a Zynq-7000 board needs PYNQ 2.7 to 3.1: PYNQ 4 has dropped Zynq-7000, found PYNQ 4.0. "
                      "Fix: write the image of PYNQ 3.1 to the board's card.")
    else:
        done = machine.call("/bin/sh", home / "quarl", "doctor", **variables)
        assert (done.returncode, done.stderr) == (0, "") and f"pynq         {version}\n" in done.stdout


def test_folders_that_are_not_ours(made, machine, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "thesis.tex").touch()
    refused(machine.install(made, tmp_path / "x"),
            "error: the folder to install into must be empty or an earlier installation, found "
            f"{tmp_path}/x with other files. Fix: choose another with --prefix.")
    refused(machine.install(made, tmp_path / "x" / "thesis.tex"),
            f"error: the folder to install into must be writable, found {tmp_path}/x/thesis.tex. "
            "Fix: choose another with --prefix, or change its permissions.")
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["thesis.tex"]


def test_pythons_that_will_not_do(made, machine, tmp_path):
    old = tmp_path / "python3.6"
    old.write_text('#!/bin/sh\ncase "$2" in *executable*) echo "$0";; *print*) echo 3.6;; *) exit 1;; esac\n')
    old.chmod(0o755)
    refused(machine.install(made, tmp_path / "x", PYTHON=str(old)),
            f"error: Python must be 3.8 or newer, found 3.6 at {old}. "
            "Fix: set PYTHON=/path/to/another, or use PYNQ 2.7 to 3.1.")
    refused(machine.install(made, tmp_path / "x", PYTHON="/no/python"),
            "error: there must be a Python, found none by the name /no/python. Fix: set PYTHON=/path/to/python3.")
    bare = pretend(tmp_path / "site", "x86_64", "1")
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "from importlib import metadata\nold = metadata.version\n"
        "def version(name):\n    if name == 'numpy': raise metadata.PackageNotFoundError\n    return old(name)\n"
        "metadata.version = version\n")
    refused(machine.install(made, tmp_path / "x", **bare),
            "error: the package numpy must be 1.20 or newer, found none. Fix: pip install 'numpy>=1.20'.")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("arguments", [["--prefx", "x"], ["--prefix"]])
def test_a_bad_command_line(made, machine, arguments):
    done = machine.call("/bin/sh", made / "install.sh", *arguments)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_virtual_environment_sees_the_packages_of_its_python(made, machine, tmp_path):
    done = machine.install(made, tmp_path / "x", "--venv")
    assert (done.returncode, done.stderr) == (0, "")
    python = (tmp_path / "x" / "current" / "python").read_text().strip()
    assert python == f"{tmp_path}/x/venv/bin/python"
    where = subprocess.run([python, "-c", "import sys, numpy; print(sys.prefix, numpy.__file__)"], check=True,
                           capture_output=True, text=True).stdout.split()
    import numpy
    assert where == [f"{tmp_path}/x/venv", numpy.__file__] and sys.prefix != where[0]
