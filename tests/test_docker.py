"""What can be said of the image without Docker; scripts/build_image_without_docker.sh builds and tries it."""
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parent.parent
ROOMS = ("host", "models", "hw", "build_flows")
SCRIPTS = sorted((ROOT / "scripts").glob("*.sh"))
DEBIAN_12_PYTHON = "3.11.2"


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def stages():
    """Instructions by stage: ``{name: [(instruction, arguments), …]}``; what is before the first stage is in ''."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found, stage = {"": []}, ""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if line.strip():
            instruction, arguments = line.split(maxsplit=1)
            if instruction == "FROM":
                stage = arguments.split(" AS ")[1]
                found[stage] = []
            found[stage].append((instruction, arguments))
    return found


def of(stage, instruction):
    return [arguments for name, arguments in stage if name == instruction]


def test_stages_begin_with_debian_12_or_with_each_other(stages):
    assert stages[""] == [("ARG", "BASE=debian:12-slim")]
    bases = {name: stage[0][1].split()[0] for name, stage in stages.items() if name}
    assert bases == {"python": "${BASE}", "packages": "python", "wheel": "packages", "quarl": "python"}


def test_the_python_of_debian_12_will_do(project):
    assert SpecifierSet(project["project"]["requires-python"]).contains(DEBIAN_12_PYTHON)
    assert DEBIAN_12_PYTHON.startswith(project["tool"]["mypy"]["python_version"] + ".")


def test_what_is_copied_exists_and_is_not_ignored(stages):
    ignore = (ROOT / ".dockerignore").read_text().split("\n")
    allowed = [line[1:] for line in ignore if line.startswith("!")]
    copied = [source for stage in stages.values() for arguments in of(stage, "COPY") if "--from" not in arguments
              for source in arguments.split()[:-1]]
    assert "*" in ignore and sorted(copied) == sorted(allowed)
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_our_sources_come_after_all_that_is_downloaded(stages):
    """A change of them makes a wheel and one small layer, and installs no dependency anew."""
    sources = {name for name, stage in stages.items() if set(ROOMS) & set(" ".join(of(stage, "COPY")).split())}
    assert sources == {"wheel"}
    order = [(instruction, arguments.split()[0]) for instruction, arguments in stages["packages"]
             if instruction == "COPY" or "pip install" in arguments]
    assert [name for name, _ in order] == ["COPY", "RUN", "RUN", "COPY", "RUN"]
    assert [word for name, word in order if name == "COPY"] == ["constraints.txt", "pyproject.toml"]
    after = stages["quarl"][stages["quarl"].index(("COPY", "--from=packages /opt/quarl /opt/quarl")) + 1:]
    # Not by a mount of the stage: buildah would take the layer of an older wheel.
    assert after[:2] == [("COPY", "--from=wheel /wheels /opt/wheels"),
                         ("RUN", "pip install --no-cache-dir --no-deps --no-index /opt/wheels/*.whl")]
    assert not {"COPY", "RUN"} & {name for name, _ in after[2:]}


def test_every_installation_is_pinned_and_leaves_no_lists(stages):
    runs = [arguments for stage in stages.values() for arguments in of(stage, "RUN")]
    for command in (part for run in runs for part in re.split(r"&&|\|\|", run) if "pip install" in part):
        assert "--constraint constraints.txt" in command or "--no-index" in command, command
    for run in runs:
        if "apt-get install" in run:
            assert "--no-install-recommends" in run and run.endswith("rm -rf /var/lib/apt/lists/*"), run
    assert not any(of(stage, "ADD") for stage in stages.values())


def test_torch_of_the_cpu_is_the_default_and_pinned(stages):
    assert "TORCH_INDEX=https://download.pytorch.org/whl/cpu" in of(stages["packages"], "ARG")
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    # PEP 440: the pin takes the wheel for the CPU, whose version has a local part.
    assert Requirement(f"torch=={pins['torch']}").specifier.contains(f"{pins['torch']}+cpu")


def test_dependencies_are_read_from_pyproject(stages, project):
    script = next(re.search(r"python -c '(.*?)'", run)[1] for run in of(stages["packages"], "RUN") if "tomllib" in run)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [*project["project"]["dependencies"],
                                        *project["project"]["optional-dependencies"]["tasks"]]


def test_it_runs_as_no_root_and_any_user_may_write_where_it_writes(stages):
    final = stages["quarl"]
    assert list(stages)[-1] == "quarl"
    assert [arguments for name, arguments in final if name in ("USER", "WORKDIR", "ENTRYPOINT")] == [
        "quarl", "/work", '["quarl"]']
    writable = next(run for run in of(final, "RUN") if "install --directory --mode=1777" in run).split()
    for variable in ("HOME", "QUARL_CACHE"):
        assert re.search(rf"\b{variable}=(\S+)", of(final, "ENV")[0])[1] in writable
    assert "/work" in writable


def test_the_wheel_has_every_file_of_the_rooms(monkeypatch):
    """The image runs from the wheel, all others from the sources: nothing may be missing in it."""
    from setuptools import Distribution
    monkeypatch.chdir(ROOT)
    distribution = Distribution({"script_name": "setup.py"})
    distribution.parse_config_files(["pyproject.toml"])
    command = distribution.get_command_obj("build_py")
    command.ensure_finalized()
    packed = {os.path.normpath(file) for file in command.get_source_files()}
    packed |= {os.path.join(source, file) for _, source, _, files in command.data_files for file in files}
    there = {str(Path("quarl") / file.relative_to(ROOT)) for room in ROOMS for file in (ROOT / room).rglob("*")
             if file.is_file() and "__pycache__" not in file.parts}
    assert there - packed == set()


def make(*arguments):
    done = subprocess.run(["make", "--dry-run", "--no-print-directory", *arguments], cwd=ROOT, capture_output=True,
                          text=True, check=True)
    return [shlex.split(line) for line in done.stdout.replace("\\\n", " ").splitlines()]


def test_make_mounts_vivado_read_only_and_runs_as_the_caller():
    build, run = make("docker-bitstream", "RUN=runs/x", "BOARD_FILES=files", "DOCKER=podman", "XILINX_FOLDER=/opt/X")
    assert build == ["podman", "build", "--tag", "quarl", "."]
    assert run[:2] == ["podman", "run"] and "--init" in run
    assert run[run.index("--user") + 1] == "$(id" and f"{ROOT}:/work" in run and "/opt/X:/tools/Xilinx:ro" in run
    assert run[run.index("quarl"):] == ["quarl", "build", "runs/x", "--target", "bitstream", "--board-files", "files"]


def test_make_docker_demo():
    assert make("docker-demo")[1][-2:] == ["quarl", "demo"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_are_posix_shell(script):
    assert script.read_text().startswith("#!/bin/sh\n")
    done = subprocess.run(["sh", "-n", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_build_without_docker_names_what_is_missing(tmp_path):
    for tool in ("dirname", "id", "sh"):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    done = subprocess.run([ROOT / "scripts" / "build_image_without_docker.sh"], env={"PATH": str(tmp_path)},
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, (
        "error: buildah must be on the PATH, found none. Fix: apt-get install --no-install-recommends buildah "
        "debootstrap crun\n"))
