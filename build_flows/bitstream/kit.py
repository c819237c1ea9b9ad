"""The build kit: a folder that any machine with Vivado replays with one command, wherever the folder is.

    kit.json  README.md  build.sh  board_files/  [finn-hlslib/]  src/   →  build.sh  →   work/  results/

``src`` is never changed. build.sh copies it to ``work``, writes the folder's own path where scripts and sources need an
absolute one (``@KIT@`` in src), and runs FINN+'s scripts there, each until it succeeded once.
"""
from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quarl.build_flows.bitstream.kit_scripts import KIT, MARK, build_sh, readme
from quarl.build_flows.bitstream.zynq import PRETENDED, Project
from quarl.host.errors import MismatchError, ToolError, UserError
from quarl.host.files import explained, recover, sha256, staged_folder, write_bytes, write_json
from quarl.hw.boards import Board
from quarl.hw.shell.shell import BUILD_ID_FILE
from quarl.hw.vivado import hls, verdict
from quarl.hw.vivado.board_files import finn_board

_RANDOM = re.compile(r"_[a-z0-9_]{8}$")       # the end of FINN's folder names
_OWN = "\\s\"'{}[\\]()"                       # what a path in a script or a source ends at


def read(folder: Path) -> dict[str, Any]:
    """``kit.json`` of a kit or of its results. Raises :class:`UserError` where there is none."""
    recover(folder)
    try:
        return dict(json.loads((folder / MARK).read_text()))
    except (OSError, ValueError) as error:
        raise UserError("the folder must be a build kit or its results, with a kit.json", f"{folder}: {error}",
                        "make a kit with `quarl build RUN --target bitstream --script-only`") from error


def is_for(folder: Path, mark: Mapping[str, Any]) -> bool:
    """Whether ``folder`` is a whole kit with this ``mark``."""
    try:
        return read(folder) == mark
    except UserError:
        return False


def add_board_files(folder: Path, board: Board, files: Path) -> None:
    """Put the folder of the board's files into a kit."""
    with staged_folder(folder / "board_files" / finn_board(board).short / files.name) as stage:
        shutil.copytree(files, stage, dirs_exist_ok=True)


def add_hls_library(folder: Path, library: Path) -> None:
    """Put finn-hlslib's headers into a kit: its DMAs are made of them."""
    with staged_folder(folder / hls.LIBRARY) as stage:
        for pattern in ("*.h", "*.hpp", "LICENSE*"):
            for file in library.glob(pattern):
                shutil.copy(file, stage)


def write(out: Path, project: Project, build: Path, library: Path, replaced: Mapping[str, Path],
          board: Board, mark: Mapping[str, Any]) -> None:
    """Write the kit of FINN+'s ``project``, which is in ``build``, to ``out``: whole or not at all.

    ``library`` is the RTL library that the scripts name, ``replaced`` the files of the engine that go in place of some
    of it; ``mark`` goes to kit.json.
    Raises ``ToolError`` for a script that names what is not in the kit.
    """
    with staged_folder(out) as stage, explained(out):
        sources = stage / "src"
        paths = {str(library): "rtllib"}
        shutil.copytree(library, sources / "rtllib")
        for name, file in replaced.items():
            for place in list((sources / "rtllib").rglob(name)):
                shutil.copy(file, place)
        known = {step.folder: step.name for step in project.steps}
        for folder in sorted(path for path in build.iterdir() if path in known or path.name.startswith("code_gen")):
            name = known.get(folder) or _RANDOM.sub("", folder.name)
            paths[str(folder)] = name
            shutil.copytree(folder, sources / name, ignore=shutil.ignore_patterns(*PRETENDED, "*.sh", "*.npy"))
        _relocate(sources, paths)
        (stage / "board_files").mkdir()
        if project.settings is not None:
            write_json(stage / verdict.SETTINGS, project.settings)
        write_bytes(stage / "build.sh", build_sh(project, board).encode())
        (stage / "build.sh").chmod(0o755)
        write_bytes(stage / "README.md", readme(project, board).encode())
        write_json(stage / MARK, dict(mark))


def _relocate(sources: Path, paths: dict[str, str]) -> None:
    """Replace the absolute paths in all files below ``sources``; files from elsewhere come along in ``ours``."""
    work = f"{KIT}/work/"
    longest = sorted(paths, key=len, reverse=True)
    outside = re.compile(rf"(?<=[\s\"'{{])(/[^{_OWN}]+\.(?:svh?|vh?|dat|mem|tcl|xml))(?=[{_OWN}]|$)", re.MULTILINE)
    for file in sorted(path for path in sources.rglob("*") if path.is_file()):
        try:
            before = file.read_text()
        except UnicodeDecodeError:
            continue
        text = before
        for path in longest:
            text = text.replace(path, work + paths[path])
        for path in set(outside.findall(text)) if file.suffix == ".tcl" else ():
            if not Path(path).is_file():
                raise ToolError("every file that a script of FINN+ names must exist", f"{path} in {file.name}",
                                "this is a fault of the tool chain: keep the run folder and report it")
            (sources / "ours").mkdir(exist_ok=True)
            shutil.copy(path, sources / "ours")
            text = text.replace(path, f"{work}ours/{Path(path).name}")
        text = re.sub(rf"(?<=[\s\"'{{])/[^{_OWN}]*/board_files\b", f"{KIT}/board_files", text)
        # A DMA includes nothing of attention-hlslib, whose place must exist all the same.
        text = re.sub(rf"(?<=[\s\"'{{])/[^{_OWN}]*/(attention|finn)-hlslib\b", f"{KIT}/{hls.LIBRARY}", text)
        if text != before:
            file.write_text(text)


def check_images(folder: Path, rtl: Path) -> None:
    """Hold the kit's weights and thresholds to those that were emulated, in the folder ``rtl``.

    Raises :class:`MismatchError` for a memory image that the kit lacks.
    """
    there = {sha256(file.read_bytes()) for file in (folder / "src").rglob("*.dat")}
    for file in sorted(rtl.glob("*.dat")):
        if file.name != BUILD_ID_FILE and sha256(file.read_bytes()) not in there:
            raise MismatchError("the kit must hold every memory image of the emulated accelerator",
                                f"none like {file.name} in {folder / 'src'}",
                                "this is a fault of the tool chain: keep the run folder and report it")
