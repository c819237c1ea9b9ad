"""Board files: what Vivado must know of a board to set up its processing system. FINN+ says which ones it asks for."""
from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from host.errors import ToolError, UserError
from hw.boards import Board

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
    for name, body in _BRANCH.findall(_finn_file("transformation/fpgadataflow/templates.py").read_text()):
        part = _PART.search(body)
        if part:
            known[name.lower().removesuffix("_som")] = FinnBoard(name, part[1])
    if board.name not in known:
        raise UserError("FINN+'s Zynq flow must know the board", board.name,
                        "choose one of: " + ", ".join(sorted(known)))
    return known[board.name]


def find_board_files(board: FinnBoard, places: Iterable[Path]) -> Path:
    """The folder of ``board``'s files below one of ``places``, the one that holds its ``board.xml``.

    Raises :class:`ToolError`, saying where FINN+ gets them from, if there is none.
    """
    places = [place for place in places if place.is_dir()]
    for file in (file for place in places for file in sorted(place.rglob("board.xml"))):
        try:
            root = ElementTree.parse(file).getroot()
        except ElementTree.ParseError:
            continue
        if [root.get("vendor"), root.get("name")] == board.part.split(":")[:2]:
            return file.parent
    raise ToolError(f"Vivado needs the board files of {board.part}",
                    "none below " + (", ".join(map(str, places)) or "no folder"),
                    f"unpack them ({source(board)}) and pass the folder with --board-files")


def vivado_places(folder: Path) -> list[Path]:
    """Where a Vivado installation keeps board files."""
    return [folder / place for place in _PLACES]


def source(board: FinnBoard) -> str:
    """Where FINN+ would download the board's files from, or a word for it."""
    import yaml

    table = yaml.safe_load(_finn_file("interface/external_dependencies.yaml").read_text())
    for kind in table.values():
        for name, entry in kind.items() if isinstance(kind, dict) else ():
            if name == board.short and "url" in entry:
                return str(entry["url"])
    return "the board's vendor offers them"


def _finn_file(path: str) -> Path:
    """A file of the installed finn-plus; finn itself is not imported. Raises :class:`ToolError`."""
    spec = importlib.util.find_spec("finn")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / path).is_file():
            return Path(place) / path
    raise ToolError(f"FINN+ must be installed with its file {path}", "none", "pip install finn-plus==1.6.1")
