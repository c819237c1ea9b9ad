"""The house keeps its own rules, and notices when one is broken."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import house

ROOT = Path(__file__).parents[1]


def test_the_house():
    assert house.broken(ROOT) == []


def test_the_rooms_are_links_that_stay_in_the_repository():
    for room in house.ROOMS:
        assert (ROOT / "quarl" / room).readlink() == Path("..") / room


def test_a_user_s_own_folders_are_left_alone(tmp_path):
    """Even where they have the rooms' names and come first on the path."""
    for room in house.ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("raise SystemExit('the user folder was imported')")
    code = ("from quarl.models.export.random_policy import random_policy\nfrom quarl.models.actors.bits import Bits\n"
            "from quarl.hw.boards import board\nfrom quarl.build_flows.estimate.shape import shapes\n"
            "print(board('pynq-z2').name, len(shapes(random_policy((4, 3, 2), Bits(3, 3, 8), 0)[1])))")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert (done.stdout, done.returncode) == ("pynq-z2 2\n", 0), done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The sources without the data beside them."""
    root = tmp_path_factory.mktemp("house")
    for folder in (*house.ROOMS, "quarl", "tests", "benchmarks"):
        shutil.copytree(ROOT / folder, root / folder, symlinks=True,
                        ignore=lambda at, names: [name for name in names if (Path(at, name).is_file()
                                                  and not name.endswith(".py")) or name == "__pycache__"])
    shutil.copy(ROOT / "CONTRIBUTING.md", root)
    return root


@pytest.mark.parametrize(("file", "line", "found"), [
    ("host/policy/codec.py", "from quarl.models.actors import bits", "host must not import quarl.models.actors.bits"),
    ("models/actors/bits.py", "from quarl.hw import boards", "models must not import quarl.hw.boards"),
    ("hw/boards/__init__.py", "def f():\n    import quarl.build_flows.console",
     "hw must not import quarl.build_flows.console"),
    ("hw/tools/cache.py", "from host.files import sha256", "host.files.sha256 must be imported as quarl.host"),
    ("benchmarks/chain.py", "import models", "models must be imported as quarl.models"),
    ("host/loop/runner.py", "from .settings import Settings", "a relative import of .settings.Settings"),
    ("hw/stitching/nodes.py", "from quarl.hw.stitching import stitch",
     "a circle: quarl.hw.stitching.nodes → quarl.hw.stitching.stitch → quarl.hw.stitching.nodes"),
    ("models/tasks/spaces.py", "from quarl.models.play import rollouts",
     "quarl.models.play.rollouts stands below it in CONTRIBUTING.md"),
    ("host/log/meter.py", "import yaml", "yaml* is not on every board"),
    ("host/log/meter.py", "import gymnasium", "gymnasium* is not on every board"),
    ("host/log/meter.py", "match 1:\n    case 1:\n        pass", "not Python 3.8"),
    ("build_flows/building/options.py", "def f(engine):\n    return engine == 'rom'",
     "ask the engine's record instead"),
    ("models/extras/more.py", "", "models/extras is not in CONTRIBUTING.md"),
    ("models/runs/more/less.py", "", "models/runs/more/__init__.py must say what the folder holds"),
    ("tests/hw/nowhere/test_it.py", "", "there is no hw/nowhere/"),
])
def test_a_violation_is_found(copy, file, line, found):
    path = copy / file
    before = path.read_text() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        broken = house.broken(copy)
        assert [each for each in broken if all(part in each for part in found.split("*"))], broken
    finally:
        if before is None:
            shutil.rmtree(path.parent)
        else:
            path.write_text(before)
    assert house.broken(copy) == []


def test_a_folder_of_too_many_modules_is_found(copy):
    added = [copy / "host" / "log" / f"more{number}.py" for number in range(house.MODULES)]
    for path in added:
        path.touch()
    found = house.broken(copy)
    for path in added:
        path.unlink()
    assert [each for each in found if each.startswith("host/log has ")] and house.broken(copy) == []
