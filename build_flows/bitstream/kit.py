"""The build kit: a folder that any machine with Vivado replays with one command, wherever the folder is.

    kit.json  README.md  build.sh  board_files/  src/   →  build.sh  →   work/  results/

``src`` is never changed. build.sh copies it to ``work``, writes the folder's own path where scripts and sources need an
absolute one (``@KIT@`` in src), and runs the three scripts there, each until it succeeded once.
"""
from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from build_flows.bitstream.zynq import PRETENDED, PROJECT, SHELL_SCRIPT, STITCH_SCRIPT, TOP, Folders
from host.errors import MismatchError, ToolError, UserError
from host.files import explained, sha256, staged_folder, write_bytes, write_json
from hw.boards import Board
from hw.shell import BUILD_ID_FILE
from hw.vivado import verdict
from hw.vivado.board_files import FinnBoard, finn_board, source
from hw.vivado.bridge_ip import SCRIPT as BRIDGE_SCRIPT
from hw.vivado.installation import supported

MARK = "kit.json"
_KIT = "@KIT@"
_RANDOM = re.compile(r"_[a-z0-9_]{8}$")       # the end of FINN's folder names
_OWN = "\\s\"'{}[\\]()"                       # what a path in a script or a source ends at


def read(folder: Path) -> dict[str, Any]:
    """``kit.json`` of a kit or of its results. Raises :class:`UserError` where there is none."""
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


def write(out: Path, folders: Folders, build: Path, library: Path, replaced: Mapping[str, Path],
          board: Board, mark: Mapping[str, Any]) -> None:
    """Write the kit of FINN+'s ``folders``, which are in ``build``, to ``out``: whole or not at all.

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
        known = {folders.bridge: "bridge", folders.stitch: "stitch", folders.shell: "shell"}
        for folder in sorted(path for path in build.iterdir() if path in known or path.name.startswith("code_gen")):
            name = known.get(folder) or _RANDOM.sub("", folder.name)
            paths[str(folder)] = name
            shutil.copytree(folder, sources / name, ignore=shutil.ignore_patterns(*PRETENDED, "*.sh", "*.npy"))
        _relocate(sources, paths)
        (stage / "board_files").mkdir()
        finn = finn_board(board)
        write_bytes(stage / "build.sh", _build_sh(finn).encode())
        (stage / "build.sh").chmod(0o755)
        write_bytes(stage / "README.md", _readme(board, finn).encode())
        write_json(stage / MARK, dict(mark))


def _relocate(sources: Path, paths: dict[str, str]) -> None:
    """Replace the absolute paths in all files below ``sources``; files from elsewhere come along in ``ours``."""
    work = f"{_KIT}/work/"
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
        text = re.sub(rf"(?<=[\s\"'{{])/[^{_OWN}]*/board_files\b", f"{_KIT}/board_files", text)
        if text != before:
            file.write_text(text)


def _build_sh(board: FinnBoard) -> str:
    """The replay. Everything that it needs is bash, coreutils, grep and sed."""
    steps = (("bridge", BRIDGE_SCRIPT, "ip/component.xml"), ("stitch", STITCH_SCRIPT, "ip/component.xml"),
             ("shell", SHELL_SCRIPT, f"{PROJECT}.runs/impl_1/{TOP}_wrapper.bit"))
    implementation = f"work/shell/{PROJECT}.runs/impl_1/{TOP}_wrapper"
    results = ((f"{implementation}.bit", verdict.BIT),
               (f"{implementation}_timing_summary_routed.rpt", verdict.TIMING),
               (f"{implementation}_utilization_placed.rpt", verdict.UTILISATION),
               ("work/shell/synth_report.xml", verdict.HIERARCHY), (MARK, MARK))
    return f"""#!/bin/bash
# Generated: build the bitstream with the Vivado of $VIVADO, else of the PATH. Repeat it to go on after a failure.
set -euo pipefail
cd "$(dirname "${{BASH_SOURCE[0]}}")"
kit=$PWD
vivado=${{VIVADO:-vivado}}
fail() {{ echo "error: $*" >&2; exit 2; }}
place() {{ find "$1" -type f -exec sed -i "s#{_KIT}#$kit#g" {{}} +; }}

[[ $kit =~ ^[A-Za-z0-9_./+-]+$ ]] || fail "Vivado needs a path of plain characters, found $kit. Fix: move the folder"
program=$(command -v "$vivado") || fail "no program $vivado. Fix: source Vivado's settings64.sh, or set VIVADO"
program=$(readlink -f "$program")
data=$(dirname "$(dirname "$program")")/data
places=(board_files)
for place in "$data/boards/board_files" "$data/xhub/boards"; do [ ! -d "$place" ] || places+=("$place"); done
grep -rqs --include=board.xml 'name="{board.short}"' "${{places[@]}}" ||
    fail "no board files of {board.part} in board_files. Fix: unpack them there ({source(board)})"

export FINN_RTLLIB=$kit/work/rtllib XILINX_LOCAL_USER_DATA=no
if [ "$(cat work/place 2> /dev/null)" != "$kit" ]; then     # new, or moved: paths in it would be wrong
    rm -rf work
    mkdir work
    for part in src/*; do case ${{part#src/}} in bridge | stitch | shell) ;; *) cp -r "$part" work ;; esac; done
    place work
    echo "$kit" > work/place
fi

# step NAME SCRIPT PRODUCT: from its start, unless it is done
step() {{
    if [ -e "work/$1.done" ]; then echo "quarl: step $1 is done"; return; fi
    echo "quarl: step $1 begins"
    rm -rf "work/$1"
    cp -r "src/$1" work
    place "work/$1"
    local start=$SECONDS
    (cd "work/$1" && "$program" -mode batch -notrace -source "$2")
    [ -s "work/$1/$3" ] || fail "Vivado ended step $1 without work/$1/$3. Fix: see work/$1/vivado.log"
    echo $((SECONDS - start)) > "work/$1.done"
    echo "quarl: step $1 took $((SECONDS - start)) s"
}}
{chr(10).join(f"step {name} {script} {product}" for name, script, product in steps)}

rm -rf results
mkdir results
{chr(10).join(f"cp {place} results/{name}" for place, name in results)}
for handoff in work/shell/{PROJECT}.{{gen,srcs}}/sources_1/bd/{TOP}/hw_handoff/{TOP}.hwh; do
    [ ! -e "$handoff" ] || cp "$handoff" results/accel.hwh
done
[ -s results/accel.hwh ] || fail "Vivado left no {TOP}.hwh in work/shell. Fix: delete work/shell.done and repeat"
echo "quarl: results in $kit/results"
"""


def _readme(board: Board, finn: FinnBoard) -> str:
    """What to do with the kit."""
    return f"""# Build kit of a bitstream for {board.name} ({board.part})

    source /tools/Xilinx/Vivado/{supported()[-1]}/settings64.sh      # or: export VIVADO=/…/bin/vivado
    ./build.sh

Needs Vivado {" or ".join(supported())}, 4 GB of free disk, about as much memory, and the board files of
`{finn.part}`: unpack them into `board_files` ({source(finn)}),
unless they are there already or your Vivado has them. The folder may be anywhere whose path has no spaces.

`build.sh` stops at the first error with Vivado's exit code. Repeated, it goes on with the step that failed; delete
`work` to start afresh.

It leaves `results/`. Bring that folder back and check it against the run that this kit was made of:

    quarl import-bitstream RUN results
"""


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
