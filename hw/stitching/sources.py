"""Copy RTL sources and the memory images they read into one folder, under unique names and without paths."""
from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from quarl.host.errors import ToolError
from quarl.host.files import write_bytes
from quarl.hw.shell.shell import SHELL_TOP

_LITERAL = re.compile(r'"([^"\n]*)"')


def in_order(files: Iterable[Path]) -> list[Path]:
    """Sources in compilation order: packages first, the rest as given."""
    return sorted(files, key=lambda file: not file.name.endswith("_pkg.sv"))


def sources_in(folder: Path, top: str = SHELL_TOP) -> list[Path]:
    """The RTL sources of a stitched folder, in compilation order, without the shell where that is not the ``top``.

    Raises ToolError if there are none.
    """
    files = in_order(sorted(file for file in folder.glob("*") if file.suffix in (".v", ".sv")))
    if not files:
        raise ToolError("a netlist folder must hold RTL sources", f"none in {folder}", "stitch the netlist first")
    return [file for file in files if file.name != f"{SHELL_TOP}.sv" or top == SHELL_TOP]


def modules_in(file: Path) -> list[str]:
    """Names of the modules that a source defines, in its order."""
    return re.findall(r"^\s*module\s+(\w+)", file.read_text(), re.MULTILINE)


class SourceFolder:
    """A folder that fills with sources. ``files`` lists them in compilation order: packages first."""

    def __init__(self, folder: Path, replace: dict[str, Path]):
        self.folder, self._replace = folder, replace
        self._names: dict[str, bytes] = {}
        self._order: list[str] = []

    @property
    def files(self) -> list[Path]:
        """Copied sources, packages first, otherwise in the order of addition."""
        return in_order(self.folder / name for name in self._order)

    def add(self, source: str | Path, owner: str) -> None:
        """Copy a source file that the node ``owner`` uses, with its memory images. Raises ToolError if missing."""
        path = Path(self._replace.get(Path(source).name, source))
        text = _read(path, owner).decode()
        text = _LITERAL.sub(lambda m: f'"{self._image(m[1], path, owner)}"', text)
        name = self._place(path.name, text.encode(), owner)
        if name not in self._order:
            self._order.append(name)

    def _image(self, literal: str, source: Path, owner: str) -> str:
        """What a string in the source becomes: the bare name of a copied image (or prefix), else the same string."""
        target = source.parent / literal          # an absolute literal wins over the parent
        if not _is_path(literal, target):
            return literal
        if literal.endswith(".dat"):
            return self._place(target.name, _read(target, owner), owner, prefix=True)
        images = sorted(target.parent.glob(target.name + "*.dat"))
        if not images:
            raise ToolError("a path in an RTL source must lead to memory images", f"{literal!r} in {source}",
                            "generate the RTL of the node again")
        prefix = "" if target.name.startswith(owner) else owner + "_"
        for image in images:
            self._place(image.name, _read(image, owner), owner, prefix=True)
        return prefix + target.name

    def _place(self, name: str, data: bytes, owner: str, prefix: bool = False) -> str:
        """Write ``data`` under ``name``, or under a name with the owner in front; returns the name taken."""
        if prefix and not name.startswith(owner):
            name = f"{owner}_{name}"
        if self._names.setdefault(name, data) != data:
            raise ToolError("sources of one name must have one content", f"two different {name}",
                            "give the nodes unique names before their RTL is generated")
        write_bytes(self.folder / name, data)
        return name


def _is_path(literal: str, target: Path) -> bool:
    """Whether a string in a source names a memory image or begins the names of some; it may also be a message."""
    if literal.endswith(".dat"):
        return "%" not in literal
    if re.search(r"[%\s]", literal):               # a message, or an absolute path through a folder of such a name
        return literal.startswith("/") and target.parent.name != "" and target.parent.is_dir()
    return "/" in literal


def _read(path: Path, owner: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ToolError("every file that a node names must exist", f"{path} ({error.strerror}) of {owner}",
                        "generate the RTL of the node again") from error
