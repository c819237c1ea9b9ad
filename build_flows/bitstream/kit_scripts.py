"""What a build kit says and does: its README, and ``build.sh``, which needs bash, coreutils, grep and sed."""
from __future__ import annotations

from quarl.build_flows.bitstream.zynq import HLS, PROJECT, TOP, VIVADO, Project
from quarl.hw.boards import Board
from quarl.hw.vivado import hls, verdict
from quarl.hw.vivado.board_files import finn_board, source
from quarl.hw.vivado.installation import supported

KIT = "@KIT@"                   # the kit's own folder, in its sources
MARK = "kit.json"

_NEEDS_HLS = f"""[ -f {hls.LIBRARY}/{hls.HEADER} ] ||
    fail "no {hls.LIBRARY} in the kit. Fix: run there \\`{hls.clone()}\\`"
root=$(dirname "$(dirname "$program")")        # of Vivado: PLACE/Vivado/VERSION
hls=
for each in "${{VITIS_HLS:-}}" "$root/../../Vitis_HLS/${{root##*/}}/bin/vitis_hls" \\
    "$root/../../Vitis/${{root##*/}}/bin/vitis_hls" vitis_hls
do [ -n "$hls" ] || hls=$(command -v "$each") || true; done
[ -n "$hls" ] || fail "no program vitis_hls. Fix: source Vitis HLS' settings64.sh, or set VITIS_HLS"
hls=$(readlink -f "$hls")
# The scripts ask for this; a DMA includes nothing of it.
export FINN_CUSTOM_HLS=$kit/{hls.LIBRARY}
"""


def build_sh(project: Project, board: Board) -> str:
    """The replay."""
    finn = finn_board(board)
    implementation = f"work/shell/{PROJECT}.runs/impl_1/{TOP}_wrapper"
    results = [(f"{implementation}.bit", verdict.BIT),
               (f"{implementation}_timing_summary_routed.rpt", verdict.TIMING),
               (f"{implementation}_utilization_placed.rpt", verdict.UTILISATION),
               ("work/shell/synth_report.xml", verdict.HIERARCHY), (MARK, MARK)]
    if project.settings is not None:
        results.append((verdict.SETTINGS, verdict.SETTINGS))
    tools = {HLS: '"$hls"', VIVADO: '"$program" -mode batch -notrace -source'}
    steps = [f"step {step.name} {step.product} {tools[step.tool]} {step.script}" for step in project.steps]
    needs_hls = _NEEDS_HLS if any(step.tool == HLS for step in project.steps) else ""
    return f"""#!/bin/bash
# Generated: build the bitstream with the Vivado of $VIVADO, else of the PATH. Repeat it to go on after a failure.
set -euo pipefail
cd "$(dirname "${{BASH_SOURCE[0]}}")"
kit=$PWD
vivado=${{VIVADO:-vivado}}
fail() {{ echo "error: $*" >&2; exit 2; }}
place() {{ find "$1" -type f -exec sed -i "s#{KIT}#$kit#g" {{}} +; }}

[[ $kit =~ ^[A-Za-z0-9_./+-]+$ ]] || fail "Vivado needs a path of plain characters, found $kit. Fix: move the folder"
program=$(command -v "$vivado") || fail "no program $vivado. Fix: source Vivado's settings64.sh, or set VIVADO"
program=$(readlink -f "$program")
data=$(dirname "$(dirname "$program")")/data
places=(board_files)
for place in "$data/boards/board_files" "$data/xhub/boards"; do [ ! -d "$place" ] || places+=("$place"); done
grep -rqs --include=board.xml 'name="{finn.short}"' "${{places[@]}}" ||
    fail "no board files of {finn.part} in board_files. Fix: unpack them there ({source(finn)})"
{needs_hls}
export FINN_RTLLIB=$kit/work/rtllib XILINX_LOCAL_USER_DATA=no
if [ "$(cat work/place 2> /dev/null)" != "$kit" ]; then     # new, or moved: paths in it would be wrong
    rm -rf work
    mkdir work
    for part in src/*; do
        case ${{part#src/}} in {" | ".join(step.name for step in project.steps)}) ;; *) cp -r "$part" work ;; esac
    done
    place work
    echo "$kit" > work/place
fi

# step NAME PRODUCT COMMAND...: from its start, unless it is done
step() {{
    if [ -e "work/$1.done" ]; then echo "quarl: step $1 is done"; return; fi
    echo "quarl: step $1 begins"
    rm -rf "work/$1"
    cp -r "src/$1" work
    place "work/$1"
    local start=$SECONDS
    (cd "work/$1" && "${{@:3}}")
    [ -s "work/$1/$2" ] || fail "the tool ended step $1 without work/$1/$2. Fix: see the log in work/$1"
    echo $((SECONDS - start)) > "work/$1.done"
    echo "quarl: step $1 took $((SECONDS - start)) s"
}}
{chr(10).join(steps)}

rm -rf results
mkdir results
{chr(10).join(f"cp {place} results/{name}" for place, name in results)}
for handoff in work/shell/{PROJECT}.{{gen,srcs}}/sources_1/bd/{TOP}/hw_handoff/{TOP}.hwh; do
    [ ! -e "$handoff" ] || cp "$handoff" results/accel.hwh
done
[ -s results/accel.hwh ] || fail "Vivado left no {TOP}.hwh in work/shell. Fix: delete work/shell.done and repeat"
echo "quarl: results in $kit/results"
"""


def readme(project: Project, board: Board) -> str:
    """What to do with the kit."""
    finn = finn_board(board)
    version = supported()[-1]
    more = "" if project.settings is None else f"""
The DMAs are C++: Vitis HLS of the same version must be beside Vivado, on the PATH, or named by VITIS_HLS, and the
library that they are made of in `{hls.LIBRARY}`. If it is not there yet:

    {hls.clone()}
"""
    return f"""# Build kit of a bitstream for {board.name} ({board.part})

    source /tools/Xilinx/Vivado/{version}/settings64.sh      # or: export VIVADO=/…/bin/vivado
    ./build.sh

Needs Vivado {" or ".join(supported())}, 4 GB of free disk, about as much memory, and the board files of
`{finn.part}`: unpack them into `board_files` ({source(finn)}),
unless they are there already or your Vivado has them. The folder may be anywhere whose path has no spaces.
{more}
`build.sh` stops at the first error with the tool's exit code. Repeated, it goes on with the step that failed; delete
`work` to start afresh.

It leaves `results/`. Bring that folder back and check it against the run that this kit was made of:

    quarl import-bitstream RUN results
"""
