"""From a netlist to a Zynq-7000's bitstream with open tools, where they are installed: openXC7 and Project X-Ray.

    nextpnr-xilinx (place and route) -> FASM -> fasm2frames -> frames -> xc7frames2bit -> bitstream

Each tool's exit code and output are checked, for the next one accepts a truncated file. Nothing of this has run on a
board.
"""
from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quarl.host.errors import ToolError, UserError
from quarl.host.files import explained, write_bytes
from quarl.hw.boards import Board
from quarl.hw.place_and_route.ps7_top import TOP
from quarl.hw.tools import process

TIMING = "an estimate by nextpnr-xilinx, which leaves out all paths through block RAM, DSP slices and the PS7"
_FIX = ("install openXC7 (https://github.com/openXC7/toolchain-installer), put its programs on the PATH, and set "
        "CHIPDB to the folder of chip databases and PRJXRAY_DB_DIR to Project X-Ray's database")
_CLOCK = re.compile(r"Max frequency for clock\s+'[^']*': ([\d.]+) MHz \((PASS|FAIL) at ([\d.]+) MHz\)")
_SYNC = bytes.fromhex("aa995566")    # every bitstream of the 7 series has it (Xilinx UG470)
# Distributed memories that nextpnr-xilinx does not place
_REFUSED = ("RAM128X1S", "RAM128X1D", "RAM256X1S")


@dataclass(frozen=True)
class Tools:
    """Where the programs and the databases of a part are."""

    nextpnr: Path
    fasm2frames: Path
    frames2bit: Path
    chip: Path        # nextpnr-xilinx' database of the chip
    database: Path    # Project X-Ray's, of the family
    part: str


def find_tools(board: Board) -> Tools:
    """The tools for a board's chip. Raises UserError for another family's, ToolError that names all that is missing."""
    if not board.zynq7:
        raise UserError("openXC7 builds for Zynq-7000 boards", f"{board.name} with a {board.part}",
                        "choose such a board, for instance pynq-z2, or build with Vivado")
    programs = {name: shutil.which(name) for name in ("nextpnr-xilinx", "fasm2frames", "xc7frames2bit")}
    chip = Path(os.environ.get("CHIPDB", "")) / f"{board.part.rpartition('-')[0]}.bin"
    database = Path(os.environ.get("PRJXRAY_DB_DIR", "")) / "zynq7"
    missing = [f"no {name} on the PATH" for name, path in programs.items() if path is None]
    missing += [f"no {variable}" if not os.environ.get(variable) else f"no {file}"
                for variable, file in (("CHIPDB", chip), ("PRJXRAY_DB_DIR", database / board.part / "part.yaml"))
                if not os.environ.get(variable) or not file.is_file()]
    if missing:
        raise ToolError("a bitstream by openXC7 needs its tools and databases", "; ".join(missing), _FIX)
    nextpnr, fasm2frames, frames2bit = (Path(path).absolute() for path in programs.values() if path)
    return Tools(nextpnr, fasm2frames, frames2bit, chip.absolute(), database.absolute(), board.part)


def check_cells(cells: dict[str, int]) -> None:
    """Raise UserError for a netlist with cells that the tool refuses; types and counts are :func:`map_top`'s."""
    refused = {name: cells[name] for name in _REFUSED if name in cells}
    if refused:
        raise UserError("nextpnr-xilinx places no memory of 128 or more words in look-up tables",
                        ", ".join(f"{n} {name}" for name, n in refused.items()),
                        "build with --compute rom, whose weights are constants")


def make_bitstream(tools: Tools, board: Board, folder: Path) -> dict[str, Any]:
    """Make ``ps7_top.bit`` of ``ps7_top.json`` and ``ps7_top.xdc`` in ``folder``; minutes.

    Returns ``mhz``, the estimated highest clock, ``wanted_mhz``, and ``timing``, what the estimate is. Each tool's
    output is in a ``.log`` of its name. Raises ToolError for a tool that fails or writes nothing, or a clock missed.
    """
    netlist, constraints, fasm, frames, bit = (folder / f"{TOP}.{kind}" for kind in
                                               ("json", "xdc", "fasm", "frames", "bit"))
    for output in (fasm, frames, bit):
        with explained(output):
            output.unlink(missing_ok=True)
    # A missed clock is an exit code of 1, too, so the log is read first.
    done = _run([tools.nextpnr, "--chipdb", tools.chip, "--xdc", constraints, "--json", netlist, "--fasm", fasm,
                 "--freq", str(board.clock_mhz)], folder)
    clocks = [(float(mhz), passed == "PASS", float(wanted)) for mhz, passed, wanted in _CLOCK.findall(done.text)]
    if clocks and not clocks[-1][1]:    # the last report is that after routing
        raise ToolError("the clock that place and route reaches must not be lower than the board's",
                        f"{clocks[-1][0]:g} MHz instead of {clocks[-1][2]:g} ({TIMING})",
                        "build with --timing balanced or fast-clock, or a smaller --fold")
    done.check(fasm)
    if not clocks:
        raise ToolError("nextpnr-xilinx must report the clock that it reached", f"no such line in {done.log}",
                        "check the version of nextpnr-xilinx")
    done = _run([tools.fasm2frames, "--part", tools.part, "--db-root", tools.database, fasm], folder)
    write_bytes(frames, done.out.encode())
    done.check(frames)
    _run([tools.frames2bit, "--part_file", tools.database / tools.part / "part.yaml", "--part_name", tools.part,
          "--frm_file", frames, "--output_file", bit], folder).check(bit)
    if _SYNC not in bit.read_bytes():
        raise ToolError("a bitstream must hold the word that a chip waits for", f"none in {bit}",
                        "check the version of xc7frames2bit")
    return {"mhz": clocks[-1][0], "wanted_mhz": clocks[-1][2], "timing": TIMING}


@dataclass(frozen=True)
class _Done:
    """A tool that has ended."""

    name: str
    code: int
    out: str
    text: str    # standard output and standard error
    log: Path

    def check(self, output: Path) -> None:
        """Raise ToolError unless the tool succeeded and wrote ``output``."""
        if self.code:
            output.unlink(missing_ok=True)
            raise ToolError(f"{self.name} must finish", f"exit code {self.code}:\n{self.text.strip()[-2000:]}\n",
                            f"mend what it complains about above; the whole log is {self.log}")
        if not output.is_file() or not output.stat().st_size:
            raise ToolError(f"{self.name} must write {output.name}", "nothing", f"read {self.log}")


def _run(command: Sequence[str | Path], folder: Path) -> _Done:
    done = process.run([str(part) for part in command], folder=folder)
    name = Path(command[0]).name
    log = folder / f"{name}.log"
    # What fasm2frames prints is its product, and large
    text = done.stderr if name == "fasm2frames" else done.stdout + done.stderr
    write_bytes(log, text.encode())
    return _Done(name, done.returncode, done.stdout, text, log)
