"""The files of ours that decide what a module does: those that it imports, at any depth, and the data of hardware.

Imports inside functions count, those for type checkers alone do not. Other packages count by their versions.
"""
from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import quarl
from quarl.host.files import sha256

_ROOT = Path(quarl.__file__).parent                         # of the rooms
_DATA = (".sv", ".v", ".cpp", ".h", ".yaml")                # of hardware, and of the registers that both sides know
_DATA_ROOMS = ("hw", "host")
_NAMED = re.compile(r'\.with_name\("([^"]+)"\)')            # a file beside a module: a program or a table of its own
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def digest_of(entry: str) -> str:
    """A hash of the contents of :func:`files_of` the module of that name."""
    return sha256(b"".join(sha256(path.read_bytes()).encode() for path in files_of(entry)))


def files_of(entry: str) -> list[Path]:
    """All such files, sorted. They are read each time, 10 ms, and parsed where their content is new, once 0.1 s."""
    found = {path for room in _DATA_ROOMS for path in (_ROOT / room).rglob("*") if path.suffix in _DATA}
    waiting, seen = [entry], set[str]()
    while waiting:
        name = waiting.pop()
        path = None if name in seen else _path(name)
        seen.add(name)
        if path is not None:
            text = path.read_text()
            found |= {path, *filter(Path.is_file, map(path.with_name, _NAMED.findall(text)))}
            waiting += _imports(text)
    return sorted(found)


def _path(name: str) -> Path | None:
    """The file of a module of ours; None for any other name."""
    if not name.startswith(f"{quarl.__name__}."):
        return None
    place = _ROOT.joinpath(*name.split(".")[1:])
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


@functools.cache
def _imports(text: str) -> tuple[str, ...]:
    """The modules that a source imports with the packages that hold them, and names that may be modules."""
    names = [name for statement in _statements(ast.parse(text)) for name in _named(statement)]
    return tuple({name[:end] for name in names for end in (*(dot.start() for dot in re.finditer(r"\.", name)), None)})


def _named(statement: ast.AST) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        yield from (f"{statement.module}.{alias.name}" for alias in statement.names)


def _statements(block: ast.AST) -> Iterator[ast.AST]:
    """All statements of a block, at any depth, but those under ``if TYPE_CHECKING``."""
    for name in _BLOCKS:
        for statement in getattr(block, name, ()):
            yield statement
            if isinstance(statement, ast.If) and isinstance(statement.test, ast.Name) \
                    and statement.test.id == "TYPE_CHECKING":
                statement.body = []
            yield from _statements(statement)
