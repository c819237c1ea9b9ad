"""Our own verdict on a bitstream: FINN+ reports success on a timing violation, and on files that are not there."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from quarl.host.accelerator import handoff
from quarl.host.errors import UserError
from quarl.hw.boards import Board
from quarl.hw.vivado import reports

BIT, HANDOFF, TIMING, UTILISATION, HIERARCHY = ("accel.bit", "accel.hwh", "timing.rpt", "utilisation.rpt",
                                                "hierarchy.xml")
SETTINGS = "settings.json"      # what FINN's driver must know, with the DMA shell only
DMAS = ("idma0", "odma0")       # FINN's names, by which its driver finds them
_ZYNQ7_BASE, _ULTRASCALE_BASE = handoff.DEFAULT_BASE, 0xA0000000    # where FINN+'s shell places its first slave
_WINDOW = 0x1000        # and the next one behind it
_INCOMPLETE = "run the kit's build.sh again to its end, and bring all of its folder results"


def base_address(board: Board) -> int:
    """The physical address at which FINN+'s shell places its first slave: the bridge, or the input DMA."""
    return _ZYNQ7_BASE if board.zynq7 else _ULTRASCALE_BASE


def check(folder: Path, board: Board, shell: str) -> dict[str, Any]:
    """Judge the results in ``folder``: version, slacks in ns, resources used and in per cent, parts of the design.

    ``shell`` is what the design has around the accelerator, ``bridge`` or ``dma``.

    Raises :class:`UserError` for a file that is missing or empty, a slack below 0 (with its worst path), a resource
    beyond the chip (by name), a handoff file for another chip or with the bridge or a DMA elsewhere.
    """
    more = (SETTINGS,) if shell == "dma" else ()
    texts = {name: _read(folder / name) for name in (BIT, HANDOFF, TIMING, UTILISATION, HIERARCHY, *more)}
    version = _handoff(folder / HANDOFF, board, shell)
    timing = reports.timing(texts[TIMING].decode(errors="replace"))
    used = reports.utilisation(texts[UTILISATION].decode(errors="replace"))
    percent = {kind: 100 * count / used["available"][kind] for kind, count in used["used"].items()}
    for kind, share in percent.items():
        if share > 100:
            raise UserError(f"the design must fit the chip's {kind}",
                            f"{used['used'][kind]:g} of {used['available'][kind]:g} ({share:.1f} %)",
                            "build with --fold balanced or min-area, or fewer bits")
    for name, slack in timing["slack_ns"].items():
        if slack < 0:
            raise UserError(f"the {name} slack must be at least 0 ns at {board.clock_mhz} MHz",
                            f"{slack:g} ns, worst {timing['worst'].get(name, 'path not told')}", _slower(name))
    return {"vivado": version, **timing, "total": used["used"], "available": used["available"], "percent": percent,
            "parts": reports.hierarchy(texts[HIERARCHY].decode(errors="replace"))}


def _slower(name: str) -> str:
    if name == "setup":
        return "build with --timing balanced or fast-clock, or a smaller folding (--fold balanced or min-area)"
    return "build again with another folding: such a violation is a matter of placement, and no slower clock mends it"


def _read(file: Path) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError("the results must have the file " + file.name, f"{error.strerror} at {file}",
                        _INCOMPLETE) from error
    if not content:
        raise UserError(f"{file.name} must not be empty", f"0 bytes at {file}", _INCOMPLETE)
    return content


def _handoff(file: Path, board: Board, shell: str) -> str:
    """Hold the hand-off file to the board and the shell: Vivado's version. Raises :class:`UserError`."""
    places: dict[str, int | None] = _dmas(file) if shell == "dma" else {"the bridge": handoff.bridge(file).base}
    for number, (name, base) in enumerate(places.items()):
        expected = base_address(board) + number * _WINDOW
        if base != expected:
            raise UserError(f"the hardware handoff must place {name} at 0x{expected:08x}",
                            f"{'no such slave' if base is None else f'0x{base:08x}'} in {file}",
                            "make the kit again: its shell is not this one")
    root = ElementTree.parse(file).getroot()
    system = root.find("SYSTEMINFO")
    device = system.get("DEVICE", "") if system is not None else ""
    if not device or not re.sub(r"^xc", "", board.part).startswith(re.sub(r"^xc", "", device.lower())):
        raise UserError(f"the hardware handoff must be for {board.part}", f"device {device or 'not told'} in {file}",
                        f"make the kit with --board {board.name}")
    return root.get("VIVADOVERSION", "unknown")


def _dmas(file: Path) -> dict[str, int | None]:
    """Where the hand-off file places each DMA, None for one that is not there. Raises :class:`UserError`."""
    try:
        found = {entry.get("INSTANCE"): int(entry.attrib["BASEVALUE"], 0)
                 for entry in ElementTree.parse(file).getroot().iter("MEMRANGE") if entry.get("INSTANCE") in DMAS}
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise UserError("the hardware handoff must be Vivado's", f"{error} in {file}", _INCOMPLETE) from error
    return {name: found.get(name) for name in DMAS}
