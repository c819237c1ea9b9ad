"""What decides a build: the files that are imported, not those that lie beside them."""
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import quarl
from quarl.build_flows.building import artefacts, flow, imported
from quarl.build_flows.building.options import Options
from quarl.models.actors.bits import Bits
from quarl.models.export.random_policy import random_policy

QUARL = Path(quarl.__file__).parent
# Prints a line with the digest of a build for every line that it reads
ASK = f"""import sys
from {imported.__name__} import digest_of
for _ in sys.stdin:
    print(digest_of("{flow.__name__}"), flush=True)
"""


def names() -> set[str]:
    """Of the files that decide a build, below ``quarl/``."""
    return {str(file.relative_to(QUARL)) for file in imported.files_of(flow.__name__)}


def test_a_build_is_decided_by_what_makes_and_checks_it() -> None:
    found = names()
    assert {f"build_flows/{name}.py" for name in (
        "building/flow", "building/parity", "folding/planning", "lowering/lower", "lowering/mvtu_node/mvtu_rtl",
        "estimate/rom")} <= found
    assert {"host/policy/program.py", "host/policy/codec.py", "host/policy/integer.py", "models/export/package.py",
            "models/export/integer_program.py", "host/accelerator/geometry.py"} <= found, "its policy"
    assert {"hw/engines/mvtu/design.py", "hw/stitching/stitch.py", "hw/shell/shell.py", "hw/synthesis/count.py",
            "hw/tools/yosys.py"} <= found, "hardware"
    assert {"hw/engines/mvtu/rtl/mvtu.sv", "hw/shell/rtl/axil_bridge.sv", "hw/emulation/emulator.cpp",
            "hw/boards/pynq-z2.yaml", "host/accelerator/c/quarl_registers.h"} <= found, "what is no Python"
    assert {"hw/tools/yosys_worker.py", "build_flows/estimate/resources.yaml"} <= found, "what lies beside a module"


def test_what_only_looks_at_a_build_decides_nothing() -> None:
    assert not [name for name in names() if name.startswith(("host/loop/", "models/training/", *(
        f"build_flows/{folder}/" for folder in ("search", "study", "report", "cli", "characterise", "bitstream"))))]


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
    """Asks a process that runs a copy of the package for the digest; and the copy's folder."""
    root = tmp_path_factory.mktemp("copy")
    shutil.copytree(QUARL, root / "quarl", ignore=shutil.ignore_patterns("__pycache__"))
    process = subprocess.Popen([sys.executable, "-P", "-c", ASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"}, cwd=root)

    def ask() -> str:
        process.stdin.write("\n")
        process.stdin.flush()
        return process.stdout.readline()

    yield ask, root / "quarl"
    process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize(("name", "decides"), [
    ("host/loop/video.py", False), ("host/loop/runner.py", False), ("build_flows/search/run.py", False),
    ("build_flows/study/grid.py", False), ("build_flows/cli/build.py", False), ("build_flows/report/inputs.py", False),
    ("models/training/train.py", False), ("models/tasks/presets/ppo.yaml", False),
    ("hw/engines/mvtu/design.py", True), ("hw/engines/mvtu/rtl/mvtu_sum.sv", True), ("hw/tools/yosys_worker.py", True),
    ("host/policy/integer.py", True), ("models/export/integer_program.py", True),
    ("build_flows/estimate/resources.yaml", True)])
def test_an_edit_counts_where_it_decides(digest, name, decides) -> None:
    ask, copy = digest
    file = copy / name
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
    monkeypatch.setattr(artefacts, "digest_of", lambda entry: f"others of {entry}")
    assert artefacts.key(policy, Options()) != before
