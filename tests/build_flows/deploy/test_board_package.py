"""``quarl package``: what is in the archive, what is said, and what stays where it cannot be made."""
import ast
import hashlib
import json
import re
import sys
import tarfile

import pytest

from quarl.build_flows.cli import main
from quarl.build_flows.deploy.board_package import TOP
from quarl.host.__main__ import main as board
from tests.build_flows.deploy.board_package import make_run, unpack
from tests.host.devices.bridge_model import describe
from tests.host.loop.closed_loop import cartpole_policy
from tests.host.test_room import LATE


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


def pack(run, capsys, *options):
    """Exit code, output and errors."""
    code = main(["package", str(run), *map(str, options)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.fixture
def unpacked(run, tmp_path, capsys):
    assert pack(run, capsys)[0] == 0
    return unpack(run / "board.tar.gz", tmp_path / "unpacked")


def names(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_in_it(unpacked):
    found = names(unpacked)
    assert found >= {"README.md", "SHA256SUMS", "install.sh", "bin/quarl", "quarl.service", "accel/accel.json",
                     "accel/accel.bit", "policy/manifest.json", "policy/weights.npz", "policy/policy.onnx",
                     "quarl/__init__.py", "quarl/host/__main__.py", "quarl/host/devices/pynq.py",
                     "quarl/host/remote/server.py", "quarl/host/accelerator/c/step.c",
                     "quarl/host/accelerator/c/quarl_registers.h"}
    assert {name.split("/")[0] for name in found} == {"README.md", "SHA256SUMS", "install.sh", "quarl",
                                                      "quarl.service", "accel", "policy", "bin"}
    assert not [name for name in found if "__pycache__" in name or "torch" in name or "emulator.so" in name]
    assert sum((unpacked / name).stat().st_size for name in found) < 400_000


def test_its_code_needs_nothing_but_numpy(unpacked):
    """The import graph: what each file imports is in the archive, in Python, numpy, or imported where it is used.

    The names of ``quarl/__init__.py`` are loaded where they are used: ``tests/test_face.py`` has a board's.
    """
    allowed = {"quarl", "numpy", *sys.stdlib_module_names}
    files = sorted((unpacked / "quarl" / "host").rglob("*.py"))
    assert len(files) > 40
    for path in files:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                assert module.split(".")[0] in (allowed if node in tree.body else allowed | LATE), (path, module)
                if module.startswith("quarl."):
                    at = unpacked / module.replace(".", "/")
                    assert at.is_dir() or at.with_suffix(".py").is_file(), (path, module)


@pytest.mark.parametrize(("command", "more"), [("run", {"--tensorboard"}), ("serve", set()), ("keys", set())])
def test_its_commands_have_the_options_of_quarl(command, more, capsys):
    def options(main):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        return set(re.findall(r"--[a-z-]+", capsys.readouterr().out.split("\noptions:")[1]))

    assert options(main) - options(board) == more and options(board) <= options(main)


def test_the_same_run_gives_the_same_bytes(run, tmp_path, capsys):
    first, second = tmp_path / "a.tar.gz", tmp_path / "b.tar.gz"
    assert pack(run, capsys, "--out", first)[0] == 0
    for path in run.rglob("*"):
        path.touch()
    assert pack(run, capsys, "--out", second)[0] == 0
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as tar:
        entries = tar.getmembers()
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname) for entry in entries} == {(0, 0, 0, "root")}
    assert {entry.name for entry in entries if entry.mode == 0o755} == {f"{TOP}/install.sh", f"{TOP}/bin/quarl"}


def test_its_sums_are_those_of_all_files(unpacked):
    lines = (unpacked / "SHA256SUMS").read_text().splitlines()
    sums = {line[66:]: line[:64] for line in lines}
    assert set(sums) == names(unpacked) - {"SHA256SUMS"}
    assert all(hashlib.sha256((unpacked / name).read_bytes()).hexdigest() == digest for name, digest in sums.items())


def test_without_a_bitstream_it_is_said(tmp_path, capsys):
    run = make_run(tmp_path / "run", bitstream=None)
    code, out, _ = pack(run, capsys, "--json")
    assert code == 0 and out.splitlines()[1] == "without accel.bit, which is for the devices pynq and finn-dma"
    assert json.loads(out.splitlines()[-1])["accelerator"] == ["accel.json"]
    assert "There is no bitstream in this package" in (unpack(run / "board.tar.gz", tmp_path) / "README.md").read_text()


def test_with_all_that_a_build_may_have(run, tmp_path, capsys):
    for name in ("accel.hwh", "settings.json", "emulator.so"):
        (run / "accel" / name).write_text("x")
    (run / "accel" / "reports").mkdir()
    (run / "accel" / "reports" / "synth.json").write_text("{}")
    code, out, _ = pack(run, capsys)
    assert code == 0 and "without" not in out and out.startswith(f"{run}/board.tar.gz: ")
    folder = unpack(run / "board.tar.gz", tmp_path)
    assert names(folder / "accel") == {"accel.json", "accel.bit", "accel.hwh", "settings.json", "reports/synth.json"}
    text = (folder / "README.md").read_text()
    assert "The bitstream is in `accel`." in text and "gymnasium==0.26.3" in text and "$" not in text


def test_a_run_that_is_not_built(run, capsys):
    (run / "accel" / "accel.json").unlink()
    assert pack(run, capsys) == (2, "", (
        f"error: a built accelerator has an accel.json, found No such file or directory at {run}/accel/accel.json. "
        "Fix: build the accelerator again with `quarl build RUN`.\n"))
    assert not (run / "board.tar.gz").exists()


def test_an_accelerator_of_another_policy(run, capsys):
    other = cartpole_policy(task="Other-v0", encode_scale=cartpole_policy().encode_scale * 2)
    describe(other, run / "accel", build_id=other.build_id)
    code, _, err = pack(run, capsys)
    assert code == 2 and err.startswith("error: the accelerator must be built from this policy (hash ")


def test_an_earlier_archive_is_replaced_and_stays_where_packing_fails(run, capsys):
    archive = run / "board.tar.gz"
    archive.write_text("earlier")
    (run / "policy" / "weights.npz").write_text("broken")
    assert pack(run, capsys)[0] == 2 and archive.read_text() == "earlier"
    make_run(run.parent / "whole")
    assert pack(run.parent / "whole", capsys, "--out", archive)[0] == 0
    assert tarfile.is_tarfile(archive) and not [path for path in run.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(("out", "reason"), [("file/board.tar.gz", "Not a directory|File exists"),
                                             ("folder", "Is a directory")])
def test_an_archive_that_cannot_be_written(run, tmp_path, capsys, out, reason):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    code, _, err = pack(run, capsys, "--out", tmp_path / out)
    assert code == 2 and err.startswith("error: the output folder must be writable and have free space, found ")
    assert any(text in err for text in reason.split("|"))
    assert not list((tmp_path / "folder").iterdir())
