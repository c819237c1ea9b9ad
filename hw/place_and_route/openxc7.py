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
from quarl.host.files import explained, sha256, write_bytes
from quarl.hw.boards import Board
from quarl.hw.place_and_route import nextpnr_log
from quarl.hw.place_and_route.ps7_top import TOP
from quarl.hw.tools import process

TIMING = "an estimate by nextpnr-xilinx, which leaves out all paths through block RAM, DSP slices and the PS7"
_FIX = ("install openXC7 (https://github.com/openXC7/toolchain-installer), put its programs on the PATH, and set "
        "CHIPDB to the folder of chip databases and PRJXRAY_DB_DIR to Project X-Ray's database")
_SYNC = bytes.fromhex("aa995566")    # every bitstream of the 7 series has it (Xilinx UG470)
# A frame of fasm2frames, an address and its words, at least one of which is not zero
_FRAME = re.compile(r"^0x[0-9a-f]+ .*0x0*[1-9a-f]", re.M | re.I)


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


def make_bitstream(tools: Tools, board: Board, folder: Path, kept: Path, faster: str) -> dict[str, Any]:
    """Make ``ps7_top.bit`` of ``ps7_top.json`` and ``ps7_top.xdc`` in ``folder``; minutes.

    Returns ``clock`` (``mhz``, the estimated highest clock, ``wanted_mhz``, ``timing``, what the estimate is, ``path``,
    what limits it), ``used``, what the placed design takes, and ``payload_sha256``, the hash of the bitstream without
    its header, which holds the time. Each tool's output is in a ``.log`` of its name. Raises ToolError for a tool that
    fails or writes nothing, or a clock missed; it names the logs in ``kept``, where the caller leaves ``folder`` then,
    and ``faster``, what makes the design so.
    """
    # Bare names: whatever a tool notes of its arguments in a file is the same everywhere.
    netlist, constraints, fasm, frames, bit = (f"{TOP}.{kind}" for kind in ("json", "xdc", "fasm", "frames", "bit"))
    for output in (fasm, frames, bit):
        with explained(folder / output):
            (folder / output).unlink(missing_ok=True)

    def run(*command: str | Path) -> _Done:
        return _run(command, folder, kept)

    done = run(tools.nextpnr, "--chipdb", tools.chip, "--xdc", constraints, "--json", netlist, "--fasm", fasm,
               "--freq", str(board.clock_mhz))
    clock, path = nextpnr_log.clock(done.text), nextpnr_log.path(done.text)
    # A clock that is missed before routing is no error, and may stand above one that is.
    if clock and not clock.passed and (done.code == 0 or (done.code == 1 and clock.level == "ERROR")):
        raise ToolError("the clock that place and route reaches must not be lower than the board's",
                        f"{clock.mhz:g} MHz instead of {clock.wanted_mhz:g} ({TIMING}); {_told(path)}",
                        f"{faster}; log and netlist are in {kept}")
    done.check(folder / fasm)
    if not clock:
        raise ToolError("nextpnr-xilinx must report the clock that it reached", f"no such line in {done.log}",
                        "check the version of nextpnr-xilinx")
    nextpnr = done
    done = run(tools.fasm2frames, "--part", tools.part, "--db-root", tools.database, fasm)
    write_bytes(folder / frames, done.out.encode())
    done.check(folder / frames)
    if not _FRAME.search(done.out):
        raise ToolError(f"{frames} must hold frames that are not all zero, as xc7frames2bit makes a bitstream of none "
                        f"as well", "none", f"read {done.log}, and look at {kept / fasm}")
    run(tools.frames2bit, "--part_file", tools.database / tools.part / "part.yaml", "--part_name", tools.part,
        "--frm_file", frames, "--output_file", bit).check(folder / bit)
    _, sync, payload = (folder / bit).read_bytes().partition(_SYNC)
    if not sync:
        raise ToolError("a bitstream must hold the word that a chip waits for", f"none in {kept / bit}",
                        "check the version of xc7frames2bit")
    return {"clock": {"mhz": clock.mhz, "wanted_mhz": clock.wanted_mhz, "timing": TIMING, "path": path},
            "used": nextpnr_log.used(nextpnr.text), "payload_sha256": sha256(sync + payload)}


def _told(path: dict[str, Any] | None) -> str:
    if path is None:
        return "nothing said of the path"
    return (f"the path from {path['from']} to {path['to']} takes {path['logic_ns']:g} ns in logic and "
            f"{path['routing_ns']:g} ns in {len(path['nets'])} nets")


@dataclass(frozen=True)
class _Done:
    """A tool that has ended."""

    name: str
    code: int
    out: str
    text: str    # standard output and standard error
    log: Path    # where it will be after a failure

    def check(self, output: Path) -> None:
        """Raise ToolError unless the tool succeeded and wrote ``output``."""
        if self.code:
            output.unlink(missing_ok=True)
            raise ToolError(f"{self.name} must finish", f"exit code {self.code}:\n{self.text.strip()[-2000:]}\n",
                            f"mend what it complains about above; the whole log is {self.log}")
        if not output.is_file() or not output.stat().st_size:
            raise ToolError(f"{self.name} must write {output.name}", "nothing", f"read {self.log}")


def _run(command: Sequence[str | Path], folder: Path, kept: Path) -> _Done:
    done = process.run([str(part) for part in command], folder=folder)
    name = Path(command[0]).name
    # What fasm2frames prints is its product, and large
    text = done.stderr if name == "fasm2frames" else done.stdout + done.stderr
    write_bytes(folder / f"{name}.log", text.encode())
    return _Done(name, done.returncode, done.stdout, text, kept / f"{name}.log")
