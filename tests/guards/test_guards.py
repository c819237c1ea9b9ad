"""The guards fail a run that breaks their rule, with one process and with workers, and no other run."""
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tests.guards import skips

GOOD = """
import subprocess, sys, tempfile, pytest

def test_removes_what_it_makes():
    with tempfile.TemporaryDirectory():
        pass

@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as folder:
        yield folder

def test_something_lives_as_long_as_its_fixture(folder):
    pass

@pytest.mark.xfail
def test_is_expected_to_fail():
    raise ValueError
"""
LEAVES = """
def test_leaves_a_folder():
    tempfile.mkdtemp(prefix="mine-")

def test_a_program_leaves_a_folder():
    subprocess.run([sys.executable, "-c", "import tempfile; tempfile.mkdtemp(prefix='its-')"], check=True)
"""
SKIPS = """
def test_skips():
    pytest.skip("no browser here")
"""


def run(folder: Path, source: str, *options: str) -> tuple[int, str]:
    """Exit code and output of a session of the tests in ``source``, with no plugins but what is named."""
    (folder / "test_made.py").write_text(source)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.guards.skips", "-p", "tests.guards.temporary", "-q",
         "-p", "no:cacheprovider", "--basetemp", folder / "base", "--rootdir", folder, "-c", os.devnull, *options,
         folder],
        env=environment | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n", "1")], ids=["one process", "a worker"])
def test_what_keeps_the_rules_passes_and_what_does_not_is_named(tmp_path, options):
    code, out = run(tmp_path, GOOD, *options)
    assert code == 0 and "left in" not in out and "may not be" not in out, out
    (tmp_path / "test_whole.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    code, out = run(tmp_path, GOOD + LEAVES + SKIPS, *options)
    assert code == 1 and "4 passed, 2 skipped, 1 xfailed" in out, out
    lines = out.splitlines()
    for prefix, test in (("mine-", "test_leaves_a_folder"), ("its-", "test_a_program_leaves_a_folder")):
        assert any(line.startswith(prefix) and line.endswith(f", first seen after test_made.py::{test}")
                   for line in lines), out
    assert "test_made.py::test_skips: Skipped: no browser here" in lines, out
    assert "test_whole.py: Skipped: could not import 'no_such_module': No module named 'no_such_module'" in lines, out


def test_every_pattern_of_the_list_says_why():
    lines = [line for line in skips.ALLOWED.read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == len(skips.allowed())
    for line in lines:
        pattern, _, why = line.partition(" #")
        assert why.strip(), line
        file, _, test = pattern.strip().partition("::")
        found, = Path(__file__).parents[1].rglob(Path(file).name)
        assert test == "*" or f"def {test.rstrip('*')}(" in found.read_text(), line


def warn(module: str, category: type[Warning]) -> None:
    """Warn as code in ``module`` would."""
    exec("import warnings; warnings.warn('of ours', category)", {"__name__": module, "category": category})


@pytest.mark.parametrize("category", [UserWarning, DeprecationWarning, RuntimeWarning, ResourceWarning])
@pytest.mark.parametrize("module", ["quarl", "quarl.host.policy", "quarl.hw", "quarl.build_flows.cli", "tests.host.x",
                                    "test_cli"])
def test_a_warning_of_our_own_is_an_error(module, category):
    with pytest.raises(category, match="of ours"):
        warn(module, category)


@pytest.mark.parametrize("module", ["torch.nn", "hostile", "hwmon.models", "quarlish.host"])
def test_a_warning_of_others_is_none_of_ours(module):
    with warnings.catch_warnings(record=True) as seen:
        warn(module, UserWarning)
    assert seen == []
