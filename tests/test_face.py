"""``import quarl``: its names and their types, what it imports, what its calls give, and that they change no more."""
import ast
import dataclasses
import json
import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import numpy as np
import pytest

import quarl
from quarl.host.log import run_log
from tests import face_session

ROOT = Path(__file__).parents[1]
FILE = ROOT / "quarl" / "__init__.py"
CALLS = ("train", "train in fp32", "ptq", "export", "evaluate in torch", "evaluate in integers", "build", "open_device",
         "Predictor", "play", "read_run", "read_policy", "write_report")


def python(*arguments: str, root: Path = ROOT) -> subprocess.CompletedProcess:
    """Python in a process of its own, with the packages of ``root`` before those installed."""
    path = os.pathsep.join([str(root), sysconfig.get_path("purelib")])
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=root,
                          env={**os.environ, "PYTHONPATH": path})


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A folder with the runs of a session, and what each of its calls changed in its process."""
    folder = tmp_path_factory.mktemp("face")
    done = python("-m", "tests.face_session", str(folder))
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture(scope="module")
def run(session):
    """A trained and built run."""
    return session[0] / "trained"


def test_the_table_the_list_and_the_types_have_the_same_names():
    tree = ast.parse(FILE.read_text())
    typed = {alias.name: node.module for branch in tree.body if isinstance(branch, ast.If)
             for node in branch.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == quarl._WHERE
    assert sorted(quarl.__all__) == sorted(quarl._WHERE) and len(set(quarl.__all__)) == len(quarl.__all__)


def test_the_face_is_python_3_8_and_imports_the_standard_library_alone():
    tree = ast.parse(FILE.read_text(), feature_version=(3, 8))
    at_once = [node.names[0].name if isinstance(node, ast.Import) else node.module for node in tree.body
               if isinstance(node, ast.Import | ast.ImportFrom)]
    assert set(at_once) <= sys.stdlib_module_names and at_once


@pytest.mark.parametrize("name", quarl.__all__)
def test_every_name_is_there_and_explains_itself(name):
    found = getattr(quarl, name)
    assert name in dir(quarl) and len(found.__doc__.split()) > 5
    if not isinstance(found, type):
        assert "Raises" in found.__doc__ and found.__name__ == name


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'quarl' has no attribute 'bild'"):
        _ = quarl.bild


def test_a_star_brings_all_names_and_no_torch():
    done = python("-c", "import sys\nfrom quarl import *\nprint(sorted(each for each in dir() if each[0] != '_'))\n"
                        "print('torch' in sys.modules, 'rich' in sys.modules)")
    names, heavy = done.stdout.splitlines()
    assert ast.literal_eval(names) == sorted([*quarl.__all__, "sys"]) and heavy == "False False"


def test_the_import_is_quick():
    def seconds(statement: str) -> float:
        taken = []
        for _ in range(3):
            start = time.perf_counter()
            assert python("-c", statement).returncode == 0
            taken.append(time.perf_counter() - start)
        return min(taken)
    assert seconds("import quarl") - seconds("pass") < 0.2


def test_a_package_that_is_not_installed_is_named():
    without = "import sys; sys.modules.update(torch=None, yaml=None); import quarl\n"
    done = python("-c", without + "quarl.train('CartPole-v1', 'x')")
    assert done.returncode and "ToolError: quarl.train needs the package torch, found none. Fix: " in done.stderr
    done = python("-c", without + "quarl.read_run")
    assert done.returncode and "ToolError: quarl.read_run needs the package yaml, found none. Fix: " in done.stderr


def test_a_board_has_what_the_host_has(tmp_path):
    (tmp_path / "quarl").mkdir()
    (tmp_path / "quarl" / "__init__.py").write_text(FILE.read_text())
    (tmp_path / "quarl" / "host").symlink_to(ROOT / "host")
    there = [name for name, module in quarl._WHERE.items() if module.startswith("quarl.host.")]
    # -S: without the link to this repository that an editable installation is
    done = python("-S", "-c", f"import quarl\nfrom quarl import {', '.join(there)}\nquarl.build", root=tmp_path)
    assert "ToolError: quarl.build needs the package quarl.build_flows, found none. Fix: " in done.stderr
    assert {"Policy", "Predictor", "Settings", "Device", "read_policy", "UserError"} <= {*there}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_leaves_the_process_as_it_was(session, call):
    assert json.loads(session[1].stdout)[call] == []


def test_calls_are_quiet_and_the_session_has_them_all(session):
    _, done = session
    assert len(done.stdout.splitlines()) == 1 and done.stderr == ""
    assert tuple(json.loads(done.stdout)) == CALLS


def test_training_again_gives_the_result_that_is_there(run, capsys):
    trained = quarl.train("CartPole-v1", run, bits=quarl.Bits(3, 3, 6), seed=1, verbose=True, **face_session.SMALL)
    assert {**json.loads((run / "train" / "result.json").read_text()), "run": run} == dataclasses.asdict(trained)
    with pytest.raises(quarl.UserError, match="seed must be 1"):
        quarl.train("CartPole-v1", str(run), bits=quarl.Bits(3, 3, 6), seed=2, **face_session.SMALL)


def test_quantised(session):
    folder, _ = session
    found = quarl.ptq(str(folder / "fp32"), folder / "rounded")
    assert isinstance(found, quarl.Quantised) and found.run == folder / "rounded" and 0 < found.agreement <= 1
    assert found.mean_return == pytest.approx(quarl.evaluate(found.run, seed=1).mean())


def test_built_has_the_reports_and_is_not_built_again(run, capsys):
    before = (run / "accel" / "accel.json").stat().st_mtime_ns
    built = quarl.build(str(run))
    assert capsys.readouterr() == ("", "") and (run / "accel" / "accel.json").stat().st_mtime_ns == before
    read = quarl.read_run(str(run))
    assert (built.accel, built.parity, built.timing, built.estimate) == (read.accelerator, read.parity, read.timing,
                                                                       read.estimate)
    assert built.synth is built.resources is built.fmax is None and built.mismatches == 0
    assert built.latency_us == built.latency_cycles / built.accel.clock_mhz
    assert f"{built.latency_cycles} cycles" in repr(built) and "12000 observations, 0 mismatches" in repr(built)
    quarl.build(run, verbose=True)
    assert "choose the folding" in capsys.readouterr().out


def test_the_policy_is_the_same_wherever_it_is_read(run):
    exported = quarl.export(str(run))
    assert repr(exported) == f"Policy(CartPole-v1, ppo, 4-8-8-2, {exported.hash[:12]}…)"
    assert exported.hash == quarl.read_policy(run).hash == quarl.read_policy(str(run / "policy")).hash
    assert exported.hash == quarl.read_run(run).policy.hash
    with pytest.raises(quarl.UserError, match="a policy package is a folder with"):
        quarl.read_policy(run / "train")


def test_a_device_is_open_at_once_and_closed_after_the_with(run):
    observation = np.zeros(4, np.float32)
    device = quarl.open_device(run, "integer")
    action, _ = device.act(observation)
    device.close()
    with quarl.open_device(str(run)) as emulator:
        again, reply = emulator.act(observation)
        assert isinstance(reply, quarl.Reply) and reply.cycles == quarl.build(run).latency_cycles
        assert quarl.Predictor(emulator).predict(observation)[0] == again == action
    with pytest.raises(quarl.UserError, match="a device must be open"):
        emulator.act(observation)


def test_play_and_evaluate_give_the_same_returns(run, tmp_path, capsys):
    log = quarl.play(str(run), settings=quarl.Settings(episodes=3, seed=5, envs=2), verbose=True)
    assert "episode 3 of 3" in capsys.readouterr().out
    assert log.returns.dtype == np.float64 and log.path == run / "run" / "emulator.jsonl"
    assert log.summary["return_mean"] == log.returns.mean() and log.run["seed"] == 5
    assert [each["episode"] for each in run_log.records(log.path) if each["type"] == "episode"] != []
    for backend in ("torch", "integer", "emulator"):
        assert quarl.evaluate(str(run), backend, episodes=3, seed=5).tolist() == log.returns.tolist()
    assert quarl.read_run(run).log.returns.tolist() == log.returns.tolist()
    assert capsys.readouterr() == ("", "")


def test_estimates_need_a_netlist_and_time(run):
    with pytest.raises(quarl.UserError, match="--fmax goes with --target synth"):
        quarl.build(run, fmax=True)
    with pytest.raises(quarl.UserError, match="above 0 seconds"):
        quarl.build(run, quarl.Options(target="synth"), fmax=True, timeout=0)


def test_the_page_has_every_name():
    page = (ROOT / "docs" / "api.md").read_text()
    assert [name for name in quarl.__all__ if f"quarl.{name}" not in page] == []
    assert "docs/api.md" in (ROOT / "README.md").read_text()


def test_the_version_is_the_package_s():
    from setuptools.config.pyprojecttoml import read_configuration
    assert read_configuration(ROOT / "pyproject.toml")["project"]["version"] == quarl.__version__
