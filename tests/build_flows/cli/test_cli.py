"""The command as a user meets it: exit codes, exact errors, nothing half-written."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from quarl.build_flows.cli import COMMANDS, main

QUARL = [sys.executable, "-c", "import sys; from quarl.build_flows.cli import main; sys.exit(main())"]


def quarl(*arguments, **options):
    return subprocess.run([*QUARL, *map(str, arguments)], capture_output=True, text=True, **options)


def failed(capsys, *arguments):
    """Exit code 2 and the one line on standard error."""
    assert main([str(a) for a in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1, error
    return error


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_help_is_quick_and_names_every_command():
    start = time.perf_counter()
    shown = quarl("--help")
    assert time.perf_counter() - start < 1.0
    assert shown.returncode == 0
    assert all(f"    {name} " in shown.stdout or f"    {name}\n" in shown.stdout for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "text"), [
    (["fly"], "error: the command line must be valid, found argument COMMAND: invalid choice: 'fly'"),
    (["run"], "error: the command line must be valid, found the following arguments are required: RUN. "
              "Fix: see `quarl run --help`."),
    (["train", "--task", "CartPole-v1", "--out", "x", "--weight-bits", "four"],
     "argument --weight-bits: 'four' is neither a number of bits nor numbers as in 8,4,8. "),
    (["build", "nowhere"], "error: RUN must be a run folder with a config.yaml, found nowhere. "
                           "Fix: make one with `quarl train --task CartPole-v1 --out nowhere`."),
    (["report", "nowhere"], "error: RUN must be a run folder with a config.yaml, found nowhere."),
])
def test_a_bad_command_line_is_explained(arguments, text, capsys):
    assert text in failed(capsys, *arguments)


@pytest.mark.parametrize(("option", "bits"), [("--weight-bits", 1), ("--weight-bits", 9), ("--act-bits", 1),
                                              ("--act-bits", 9), ("--input-bits", 1), ("--input-bits", 9)])
def test_bits_outside_2_to_8_are_refused(option, bits, tmp_path, capsys):
    error = failed(capsys, "train", "--task", "CartPole-v1", "--out", tmp_path / "x", option, bits)
    assert f"found {bits}" in error and "2 to 8" in error
    assert tree(tmp_path) == []


@pytest.mark.parametrize(("pair", "text"), [
    ("gamma=.nan", "the setting gamma must be a number from 0 to 1, found nan. Fix: write for example --set gamma="),
    ("n_envs=0", "the setting n_envs must be a whole number from 1 to 65536, found 0."),
    ("net_arch=[8.0]", "the setting net_arch must be the sizes of the hidden layers")])
def test_a_setting_out_of_its_bounds_is_refused(pair, text, tmp_path, capsys):
    error = failed(capsys, "train", "--task", "CartPole-v1", "--out", tmp_path / "x", "--set", pair)
    assert text in error and "quarl train --help-settings" in error
    assert tree(tmp_path) == []


def test_train_explains_its_settings(capsys):
    from quarl.models.tasks.settings_schema import SETTINGS
    with pytest.raises(SystemExit) as stopped:
        main(["train", "--help-settings"])
    shown = capsys.readouterr().out
    assert stopped.value.code == 0 and all(re.search(rf"(?m)(^| ){each.name}( |$)", shown) for each in SETTINGS)
    assert "[64, 64], or {pi: [64, 64]," in shown


def test_an_unknown_task_is_refused(tmp_path, capsys):
    error = failed(capsys, "train", "--task", "CartPool-v1", "--out", tmp_path / "x")
    assert "CartPool-v1" in error and "Fix: " in error
    assert tree(tmp_path) == []


@pytest.mark.parametrize(("arguments", "text"), [
    (("Cartpole-v1",), "did you mean CartPole-v1."), (("pendulum-V1", "--algo", "sac"), "did you mean Pendulum-v1."),
    (("CartPole-v1", "--algo", "sac"), "sac needs Box actions, found Discrete(2) in CartPole-v1. Fix: train wi"),
    (("MountainCar-v0", "--algo", "td3", "--steps", 9), "td3 needs Box actions")])
def test_a_task_that_is_spelt_otherwise_or_has_other_actions(tmp_path, capsys, arguments, text):
    assert text in failed(capsys, "train", "--out", tmp_path / "x", "--task", *arguments)
    assert tree(tmp_path) == []


@pytest.mark.parametrize("arguments", [
    ("train", "--task", "CartPole-v1", "--out", "x", "--weight-bits", "9"),
    ("train", "--task", "CartPole-v1", "--out", "x", "--set", "net_arch"),
    ("train", "--task", "CartPole-v1", "--out", "x", "--algo", "pp"),
    ("ptq", "nowhere", "--out", "x"), ("ptq", "nowhere", "--out", "x", "--act-bits", "1")])
def test_what_can_be_refused_at_once_is(tmp_path, arguments):
    """Before torch is imported."""
    code = ("import sys; from quarl.build_flows.cli import main; code = main(sys.argv[1:]); "
            "sys.exit(10 * ('torch' in sys.modules) + code)")
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: "), done.stderr


def test_an_output_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    error = failed(capsys, "train", "--task", "CartPole-v1", "--steps", 256, "--out", tmp_path / "file" / "x")
    assert "the output folder must be writable and have free space, found Not a directory" in error
    assert tree(tmp_path) == ["file"]


def test_boards_as_json(capsys):
    assert main(["boards", "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = {each["name"]: each for each in last["boards"]}
    assert found["pynq-z2"]["lut"] == 53200 and found["kv260"]["uram"] == 64 and found["ultra96-v2"]["images"]


@pytest.fixture
def run(trained_run, tmp_path):
    """A copy of the trained run, free to be damaged."""
    return shutil.copytree(trained_run, tmp_path / "run")


def test_export_eval_and_run_on_the_reference(run, capsys):
    assert main(["export", str(run), "--json"]) == 0
    exported = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(exported["hash"]) == 64
    assert main(["eval", str(run), "--episodes", "3", "--json"]) == 0
    integer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert main(["eval", str(run), "--episodes", "3", "--backend", "torch", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["returns"] == integer["returns"]
    assert main(["run", str(run), "--device", "integer", "--episodes", "2", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["episodes"] == 2 and summary["device"] == "integer"
    assert (run / "run" / "integer.jsonl").exists()


@pytest.mark.parametrize(("arguments", "text"), [
    (["--device", "emulator"], "the emulator needs a built accelerator"),
    (["--device", "abacus"],
     "the device must be one of emulator, integer, pynq, finn-dma or tcp://HOST:PORT, found abacus"),
    (["--device", "integer", "--episodes", 0], "the number of episodes must be at least 1, found 0"),
    (["--device", "integer", "--task", "Acrobot-v1"],
     "the environment's observations must have the policy's shape (4,)"),
])
def test_a_run_that_cannot_be_is_explained(run, arguments, text, capsys):
    assert main(["export", str(run)]) == 0
    capsys.readouterr()
    assert text in failed(capsys, "run", run, *arguments)


@pytest.mark.parametrize("arguments", [("eval", "--seed", -1), ("run", "--device", "integer", "--seed", -1)])
def test_a_negative_seed_is_refused(run, arguments, capsys):
    command, *options = arguments
    assert "the seed must be 0 or more, found -1" in failed(capsys, command, run, *options)


@pytest.mark.parametrize(("name", "text"), [
    ("config.yaml", "a run folder must hold a readable config.yaml, found while scanning a simple key "),
    ("train/result.json", "train/ must hold a whole result.json, found JSONDecodeError: "),
    ("train/model.zip", "train/ must hold a whole model.zip and normaliser.npz, as config.yaml has it, found "),
    ("train/normaliser.npz", "train/ must hold a whole model.zip and normaliser.npz, as config.yaml has it, found ")])
def test_a_damaged_run_is_explained(run, name, text, capsys):
    (run / name).write_bytes((run / name).read_bytes()[:30])
    assert text in failed(capsys, "eval", run)


def test_a_run_that_cannot_start_keeps_the_log_before(run, capsys):
    assert main(["run", str(run), "--device", "integer", "--episodes", "1"]) == 0
    log = (run / "run" / "integer.jsonl").read_bytes()
    capsys.readouterr()
    failed(capsys, "run", run, "--device", "integer", "--task", "Acrobot-v1")
    assert (run / "run" / "integer.jsonl").read_bytes() == log


def test_a_run_may_be_copied_without_its_times(run, capsys):
    assert main(["export", str(run)]) == 0
    (run / "train" / "result.json").touch()
    assert main(["run", str(run), "--device", "integer", "--episodes", "1"]) == 0


def test_the_demo_checks_before_it_trains(tmp_path, capsys):
    assert "the board must be a known one, found 'nope'" in failed(capsys, "demo", "--out", tmp_path / "x",
                                                                   "--board", "nope")
    assert "the number of episodes must be at least 1" in failed(capsys, "demo", "--out", tmp_path / "x",
                                                                 "--episodes", 0)
    assert tree(tmp_path) == []


@pytest.mark.parametrize("damage", ["weights.npz", "policy.onnx", "manifest.json"])
def test_a_truncated_package_is_refused_by_every_command(run, damage, capsys):
    assert main(["export", str(run)]) == 0
    capsys.readouterr()
    file = run / "policy" / damage
    file.write_bytes(file.read_bytes()[:100])
    for arguments in (["build", run], ["run", run, "--device", "integer"]):
        error = failed(capsys, *arguments)
        assert damage in error and "quarl export" in error


def test_a_missing_compiler_is_named_at_once(run, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    start = time.perf_counter()
    error = failed(capsys, "build", run)
    assert time.perf_counter() - start < 5
    assert "g++" in error and "apt-get install" in error
    assert "accel" not in tree(run)


def test_a_net_that_does_not_fit_is_refused(run, capsys):
    assert main(["export", str(run)]) == 0
    capsys.readouterr()
    error = failed(capsys, "build", run, "--max-lut-percent", 1)
    assert "the design must fit 532 LUTs (1 % of pynq-z2's), 220 DSPs and 140 BRAMs, found about" in error
    assert "accel" not in tree(run)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_a_build_leaves_nothing_half_written(run, number, tmp_path):
    """Ctrl-C while the emulator compiles: exit code 130, no accel folder, no child process left behind."""
    assert main(["export", str(run)]) == 0
    before = tree(run)
    environment = dict(os.environ, QUARL_CACHE=str(tmp_path / "cache"), TMPDIR=str(tmp_path))
    process = subprocess.Popen([*QUARL, "build", str(run), "--target", "synth"], env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert wait_for(lambda: (tmp_path / "cache" / "emulator").exists(), 400), process.communicate()
    time.sleep(1)
    process.send_signal(number)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert error.splitlines()[-1] == "interrupted: nothing half-written was kept; repeat the command to go on"
    assert tree(run) == before
    assert list((tmp_path / "cache" / "emulator").glob("*/emulator.so")) == []
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("quarl-")]
    assert wait_for(lambda: not compilers_below(tmp_path), 10)


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not condition():
        time.sleep(0.1)
    return condition()


def compilers_below(folder):
    """Command lines of processes that work on files below ``folder``."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            line = open(f"/proc/{entry}/cmdline", "rb").read().decode(errors="replace")  # noqa: SIM115
        except OSError:
            continue
        if str(folder) in line and ("cc1plus" in line or "verilator_bin" in line or "yosys" in line):
            found.append(line)
    return found
