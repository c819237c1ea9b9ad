"""Board files: what Vivado must know of a board to set up its processing system. FINN+ says which ones it asks for."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from quarl.host.errors import ToolError, UserError
from quarl.hw.boards import Board, our_name
from quarl.hw.vivado.finn_files import dependencies, finn_file

_BRANCH = re.compile(r'\$BOARD == "([^"]+)"\} \{(.*?)\n\}', re.DOTALL)
_PART = re.compile(r"board_part (\S+)")
_PLACES = ("data/boards/board_files", "data/xhub/boards")     # in Vivado's folder


@dataclass(frozen=True)
class FinnBoard:
    """A board by FINN+'s name for it, and the board part (vendor:name:part0:version) that it selects in Vivado."""

    name: str
    part: str

    @property
    def short(self) -> str:
        """The name in ``board.xml``."""
        return self.part.split(":")[1]


def finn_board(board: Board) -> FinnBoard:
    """What FINN+ calls ``board``. Raises :class:`UserError` for one that its Zynq flow does not know."""
    known = {}
    for name, body in _BRANCH.findall(finn_file("transformation/fpgadataflow/templates.py").read_text()):
        part = _PART.search(body)
        if part:
            known[our_name(name)] = FinnBoard(name, part[1])
    if board.name not in known:
        raise UserError("FINN+'s Zynq flow must know the board", board.name,
                        "choose one of: " + ", ".join(sorted(known)))
    return known[board.name]


def find_board_files(board: FinnBoard, places: Iterable[Path]) -> Path:
    """The folder of ``board``'s files below one of ``places``, the one that holds its ``board.xml``.

    Raises :class:`ToolError`, saying where FINN+ gets them from, if there is none, or none of the version asked for.
    """
    named = list(places)
    places = [place for place in named if place.is_dir()]
    vendor, name, _, version = board.part.split(":")
    others = []
    for file in (file for place in places for file in sorted(place.rglob("board.xml"))):
        try:
            root = ElementTree.parse(file).getroot()
        except ElementTree.ParseError:
            continue
        if (root.get("vendor"), root.get("name")) == (vendor, name):
            found = root.findtext("file_version", version).strip()
            if found == version:
                return file.parent
            others.append(f"version {found} in {file.parent}")
    raise ToolError(f"Vivado needs the board files of {board.part}",
                    ", ".join(others) or _none(named, places),
                    f"unpack them ({source(board)}) and pass the folder with --board-files")


def _none(named: list[Path], there: list[Path]) -> str:
    """Where no board files are."""
    if there:
        return "none below " + ", ".join(map(str, there))
    return "none: " + (f"there is no folder {' or '.join(map(str, named))}" if named
                       else "there is neither a Vivado nor --board-files to look in")


def vivado_places(folder: Path) -> list[Path]:
    """Where a Vivado installation keeps board files."""
    return [folder / place for place in _PLACES]


def source(board: FinnBoard) -> str:
    """Where FINN+ would download the board's files from, or a word for it."""
    vendor = board.part.partition(":")[0].partition(".")[0]
    for name, entry in dependencies():
        inside = entry.get("subdirectory", ".")
        if board.short in (name, Path(inside).name) or name.startswith(vendor + "-"):
            return str(entry["url"]) + ("" if inside == "." else f", folder {inside}")
    return "Vivado's own installer has them"
