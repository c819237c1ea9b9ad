"""What decides a build: the files that are imported, not those that lie beside them."""
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from quarl.build_flows.building import artefacts, flow, imported
from quarl.build_flows.building.options import Options
from quarl.models.actors.bits import Bits
from quarl.models.export.random_policy import random_policy

ROOMS = {Path(name).name: Path(folder) for name, folder in imported._ROOMS.items()}
# Prints a line with the digest of a build for every line that it reads
ASK = f"""import sys
import {flow.__name__} as flow
from {imported.__name__} import digest_of
for _ in sys.stdin:
    print(digest_of(flow), flush=True)
"""


def names(entry: ModuleType) -> set[str]:
    """Of the files of ``entry``, without their folders."""
    return {file.name for file in imported.files_of(entry)}


def test_a_build_is_decided_by_what_makes_and_checks_it() -> None:
    found = names(flow)
    assert {"flow.py", "folding.py", "lowering.py", "parity.py", "rom_resources.py", "mvtu_rtl.py"} <= found, "builder"
    assert {"policy.py", "codec.py", "integer.py", "geometry.py", "export.py", "extract.py"} <= found, "its policy"
    assert {"mvtu_design.py", "stitch.py", "shell.py", "synthesis.py", "yosys.py"} <= found, "hardware"
    assert {"mvtu.sv", "axil_bridge.sv", "emulator.cpp", "emulator_runtime.h", "pynq-z2.yaml", "quarl_registers.h"
            } <= found, "what is no Python"
    assert {"yosys_worker.py", "resources.yaml"} <= found, "programs and tables beside a module"


def test_what_only_looks_at_a_build_decides_nothing() -> None:
    assert not names(flow) & {"video.py", "runner.py", "space.py", "storage.py", "page.py", "charts.py", "study.py",
                              "kit.py", "energy.py", "train.py"}


def test_imports_of_every_kind() -> None:
    found = imported._imports("""
import a.one, b as iron
from b import two, three
if TYPE_CHECKING:
    from a import never
else:
    import c.four
def work():
    try:
        with place:
            from d.inner import five
    except OSError:
        import b.six
    match engine:
        case 1:
            import a.seven
""")
    assert set(found) == {"a", "a.one", "b", "b.two", "b.three", "c", "c.four", "d", "d.inner", "d.inner.five", "b.six",
                          "a.seven"}, "modules, the packages around them, and nothing for type checkers"


@pytest.fixture(scope="module")
def digest(tmp_path_factory):
    """Asks a process that runs a copy of our rooms for the digest; and the copy's folder of each room."""
    root = tmp_path_factory.mktemp("copy")
    places = {name: root / folder.relative_to(_top()) for name, folder in ROOMS.items()}
    for name, folder in ROOMS.items():
        shutil.copytree(folder, places[name], ignore=shutil.ignore_patterns("__pycache__"))
        for file in folder.parent.glob("__init__.py"):
            shutil.copy(file, places[name].parent)
    process = subprocess.Popen([sys.executable, "-P", "-c", ASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"}, cwd=root)

    def ask() -> str:
        process.stdin.write("\n")
        process.stdin.flush()
        return process.stdout.readline()

    yield ask, places
    process.communicate()
    assert process.returncode == 0


def _top() -> Path:
    """The folder from which our rooms are imported."""
    return Path(build_flows.__file__).parents[build_flows.__name__.count(".") + 1]


@pytest.mark.parametrize(("room", "pattern", "decides"), [
    ("host", "video.py", False), ("host", "runner.py", False), ("build_flows", "search/run.py", False),
    ("build_flows", "study/grid.py", False), ("build_flows", "cli/build.py", False),
    ("build_flows", "report/inputs.py", False), ("models", "train.py", False), ("models", "presets/ppo.yaml", False),
    ("hw", "mvtu_design.py", True), ("hw", "mvtu_sum.sv", True), ("hw", "yosys_worker.py", True),
    ("host", "integer.py", True), ("models", "extract.py", True), ("build_flows", "resources.yaml", True)])
def test_an_edit_counts_where_it_decides(digest, room, pattern, decides) -> None:
    ask, places = digest
    file = min(places[room].rglob(pattern), key=lambda found: len(found.parts))
    before, text = ask(), file.read_text()
    assert len(before) == 65, "a hash and the end of a line"
    file.write_text(text + "\n")
    assert (ask() != before) == decides, f"an edit of {file} {'must' if decides else 'must not'} change the key"
    file.write_text(text)
    assert ask() == before, "what was undone never was"


def test_the_key_has_the_digest(monkeypatch) -> None:
    _, policy = random_policy((3, 4, 2), Bits(4, 4, 8), 0)
    before = artefacts.key(policy, Options())
    assert artefacts.key(policy, Options()) == before
    monkeypatch.setattr(artefacts, "digest_of", lambda entry: f"others of {entry.__name__}")
    assert artefacts.key(policy, Options()) != before
