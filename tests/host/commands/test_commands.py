"""``python3 -m quarl.host``: the board's commands, their closing table, their errors, and what the doctor says."""
import json
import signal
import subprocess
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest

from quarl.host import connect, policy
from quarl.host.__main__ import COMMANDS, main
from quarl.host.accelerator import native
from quarl.host.errors import ToolError
from quarl.host.log.run_log import records
from tests.host.devices.bridge_model import describe
from tests.host.loop.closed_loop import Clocked, cartpole_policy

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def folder(tmp_path):
    """What a package for the board holds beside its code."""
    made = cartpole_policy()
    policy.write(made, tmp_path / "policy", b"onnx")
    describe(made, tmp_path / "accel", build_id=made.build_id)
    return tmp_path


@pytest.fixture
def call(folder, capsys):
    """Exit code, output and errors of a command in this folder."""
    def call(command, *arguments):
        code = main([command, str(folder), *map(str, arguments)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err
    return call


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0 and "--json" in capsys.readouterr().out


def test_as_a_module_its_folder_is_the_one_that_it_is_in(tmp_path):
    done = subprocess.run([sys.executable, "-m", "host", "run"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"found No such file or directory at {ROOT}/policy/manifest.json" in done.stderr


@pytest.fixture
def fails(monkeypatch):
    """The device is a made-up one, which fails in some way."""
    def fails(**failure):
        monkeypatch.setattr(connect, "create", lambda name, made, accel, keys=None: Clocked(made, **failure))
    return fails


def test_the_closing_table(folder, call, fails, monkeypatch):
    fails(network_ns=2000)
    monkeypatch.setattr(Clocked, "stats", lambda self: {"step": "numpy", "temperature_c": 41.27})
    (folder / "accel" / "reports").mkdir()
    (folder / "accel" / "reports" / "synth.json").write_text(
        '{"total": {"lut": 3194, "ff": 1270, "dsp": 0, "bram36": 0.5}}')
    code, out, err = call("run", "--episodes", 3, "--max-steps", 4, "--hz", 500, "--shadow", 1, "--json")
    *lines, last = out.splitlines()
    assert (code, err) == (0, "") and lines[-1] == f"log: {folder}/run/pynq.jsonl"
    assert lines[:5] == [*(f"episode {i} of 3: return 4" for i in (1, 2, 3)), "", "CartPole-v1 on clocked"]
    rows = dict(line.strip().split("  ", 1) for line in lines[5:-1])
    assert {name: value.strip() for name, value in rows.items() if name in (
        "return", "network, us", "FPGA latency", "shadow check", "resources", "temperature",
        "the step is done in")} == {
        "return": "4.0 ± 0.0 (3 episodes, 12 steps)", "network, us": "p50 2.0   p90 2.0   p99 2.0",
        "FPGA latency": "21 cycles, 0.21 us at 100 MHz", "shadow check": "0 mismatches in 12 steps",
        "resources": "LUT 3194   FF 1270   DSP 0   BRAM36 0.5", "temperature": "41.3 °C",
        "the step is done in": "numpy"}
    assert json.loads(last)["steps"] == 12 and (folder / "run" / "pynq.csv").exists()
    assert len({line.index(value) for line in lines[5:-1] for value in [line.split("  ", 2)[2].strip()]}) == 1


def test_what_stops_a_run(folder, call, fails):
    fails(fail_at=9, error=ToolError("a register must not read as all ones", "0xffffffff", "look at the bitstream"))
    assert call("run", "--max-steps", 6)[::2] == (
        2, "error: a register must not read as all ones, found 0xffffffff. Fix: look at the bitstream.\n")
    assert len([entry for entry in records(folder / "run" / "pynq.jsonl") if entry["type"] == "step"]) == 8
    fails(wrong_at=[8])
    code, _, err = call("run", "--max-steps", 6, "--shadow", 1)
    assert code == 1 and err.startswith("error: the device must equal the integer reference in every accumulator")
    fails(fail_at=9)
    code, out, err = call("run", "--max-steps", 6)
    assert code == 130 and err.startswith("interrupted: ")
    assert out.endswith("1 of 10 episodes were played, mean return 6.0; the same command with --resume goes on\n")
    fails(fail_at=2, error=ZeroDivisionError("x"))
    code, _, err = call("run")
    assert code == 1 and err.splitlines()[-1] == (
        "error: a fault in quarl itself, found ZeroDivisionError: x. Fix: report the lines above")


def test_a_signal_ends_a_run_as_ctrl_c_does(call, fails):
    class Terminated(Clocked):
        def step(self, codes):
            if self.steps == 3:
                signal.raise_signal(signal.SIGTERM)
            return super().step(codes)
    connect.create, before = lambda name, made, accel, keys=None: Terminated(made), connect.create
    try:
        assert call("run")[0] == 130
    finally:
        connect.create = before


@pytest.mark.parametrize(("arguments", "text"), [
    (["fly"], "error: the command line must be valid, found argument COMMAND: invalid choice: 'fly'"),
    (["run", "--hz", "x"], "argument --hz: invalid float value: 'x'. Fix: see `quarl run --help`."),
    (["run", "--tensorboard"], "unrecognized arguments: --tensorboard"),
    (["run", "nowhere"], "No such file or directory at nowhere/policy/manifest.json")])
def test_a_bad_command_line_is_explained(arguments, text, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1


@pytest.mark.parametrize(("arguments", "text"), [
    (["--device", "abacus"], "the device must be one of emulator, integer, pynq, finn-dma or tcp://HOST:PORT"),
    (["--episodes", 0], "the number of episodes must be at least 1, found 0"),
    (["--log-max-mb", 0, "--device", "integer"], "a part of the log must be larger than nothing, found 0.0")])
def test_a_run_that_cannot_be_is_explained(folder, call, arguments, text):
    code, _, err = call("run", *arguments)
    assert code == 2 and text in err and not (folder / "run").exists()


def test_a_server_without_keys(call):
    assert call("serve") == (2, "", "error: a server must have keys, found no --keys. Fix: make them with "
                                    "`quarl keys DIR` and pass --keys DIR, or --insecure on loopback.\n")


@pytest.fixture
def installed(monkeypatch):
    """Versions of packages, as if they were installed."""
    def version(name):
        if versions.get(name) is None:
            raise metadata.PackageNotFoundError
        return versions[name]

    versions = {"numpy": "1.21.5", "gymnasium": "0.29.1", "pynq": "3.0.1"}
    monkeypatch.setattr(metadata, "version", version)
    return versions


@pytest.mark.parametrize(("versions", "line"), [
    ({}, "gymnasium    0.29.1"),
    ({"gymnasium": None}, "gymnasium    none: `quarl run` needs it: pip install gymnasium"),
    ({"numpy": "1.20.3", "gymnasium": None},
     "gymnasium    none: `quarl run` needs it: pip install gymnasium==0.26.3"),
    ({"numpy": "1.20.3"}, "gymnasium    0.29.1, which does not go with numpy 1.20.3: pip install gymnasium==0.26.3"),
    ({"numpy": "1.20.3", "gymnasium": "0.26.3"}, "gymnasium    0.26.3"), ({}, "pynq         3.0.1"),
    ({"pynq": None}, "pynq         none: before `--device pynq` a bitstream must be loaded by other means")])
def test_the_doctor_on_packages(call, installed, versions, line):
    installed.update(versions)
    code, out, err = call("doctor", "--pc")
    assert (code, err) == (0, "") and line in out.splitlines()


@pytest.mark.parametrize(("version", "found"), [("1.19.5", "1.19.5"), (None, "none")])
def test_the_doctor_needs_numpy_before_all_else(call, installed, version, found):
    installed["numpy"] = version
    code, out, err = call("doctor", "--pc")
    assert (code, err) == (2, f"error: the package numpy must be 1.20 or newer, found {found}. "
                              "Fix: pip install 'numpy>=1.20'.\n")
    assert [line.split()[0] for line in out.splitlines()] == ["machine", "python", "numpy"]


def test_the_doctor_where_things_are_missing(folder, call, monkeypatch):
    monkeypatch.setattr(native, "compiled", lambda: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setitem(sys.modules, "zmq", None)
    code, out, _ = call("doctor", "--pc")
    assert code == 0
    for line in ("step         Python, many times as slow as C, for want of a compiler: sudo apt-get install gcc",
                 "bitstream    none: the devices pynq and finn-dma need accel.bit and accel.hwh",
                 "rights       user 1000: the devices pynq and finn-dma need root (sudo -E)",
                 "pyzmq        none: `quarl serve`, `quarl keys` and tcp:// devices need it: pip install pyzmq"):
        assert line in out.splitlines()
    monkeypatch.setitem(sys.modules, "zmq", types.SimpleNamespace(pyzmq_version=lambda: "22.3", has=lambda name: False))
    assert "pyzmq        22.3 without CURVE" in call("doctor", "--pc")[1].splitlines()
    (folder / "accel" / "accel.json").unlink()
    code, out, err = call("doctor", "--pc")
    assert code == 2 and err.startswith("error: a built accelerator has an accel.json, found No such file")
    assert out.splitlines()[-1].startswith("pyzmq ")
