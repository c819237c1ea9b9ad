"""The rules of the house, read from the sources with ``ast`` alone; CONTRIBUTING.md has the map that they follow.

Each rule yields a line for each place that breaks it. Imports inside functions and for type checking count, too.
"""
from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOMS = ("host", "models", "hw", "build_flows")
MAY_IMPORT = {"host": {"host"}, "models": {"host", "models"}, "hw": {"host", "hw"}, "build_flows": set(ROOMS)}
# in host/: only inside functions
LATE = {"finn_plus_driver", "gymnasium", "imageio", "imageio_ffmpeg", "pynq", "zmq"}
MODULES, FULL = 14, ("build_flows/cli", "build_flows/report/sections")


def sources(root: Path, *folders: str) -> dict[str, Path]:
    """Path below ``root`` -> file, of all Python files in ``folders``."""
    return {str(path.relative_to(root)): path for folder in folders for path in sorted((root / folder).rglob("*.py"))}


def module_of(name: str) -> str:
    """``host/policy/__init__.py`` is ``quarl.host.policy``."""
    return "quarl." + name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@functools.lru_cache(2000)
def imported(text: str) -> tuple[tuple[str, int, bool], ...]:
    """Every name that is imported, dotted, its line, and whether it is at once; of ``from a import b``: ``a.b``."""
    tree, found = ast.parse(text), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            there = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            there = ["." * node.level + f"{node.module or ''}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name, node.lineno, node in tree.body) for name in there]
    return tuple(found)


@functools.lru_cache(2000)
def refused(text: str) -> SyntaxError | None:
    """What Python 3.8 says of the text."""
    try:
        ast.parse(text, feature_version=(3, 8))
    except SyntaxError as error:
        return error
    return None


def graph(root: Path) -> dict[str, dict[str, int]]:
    """Module -> module of ours that it imports -> line."""
    files = sources(root, *ROOMS)
    modules = {module_of(name) for name in files}
    found: dict[str, dict[str, int]] = {}
    for name, path in files.items():
        edges = found.setdefault(module_of(name), {})
        for target, line, _ in imported(path.read_text()):
            known = target if target in modules else target.rpartition(".")[0]
            if known in modules and known != module_of(name):
                edges.setdefault(known, line)
    return found


def names(root: Path) -> Iterator[str]:
    """Imports are absolute, and no room is imported by its bare name, which a user's own folder may have."""
    for name, path in sources(root, *ROOMS, "quarl", "tests", "benchmarks").items():
        for target, line, _ in imported(path.read_text()):
            if target.startswith("."):
                yield f"{name}:{line}: a relative import of {target}"
            elif target.split(".")[0] in ROOMS:
                yield f"{name}:{line}: {target} must be imported as quarl.{target}"


def rooms(root: Path) -> Iterator[str]:
    """host ← models, hw ← build_flows."""
    for module, edges in graph(root).items():
        for target, line in edges.items():
            here, there = module.split(".")[1], target.split(".")[1]
            if there not in MAY_IMPORT[here]:
                yield f"{module}:{line}: {here} must not import {target}"


def circles(root: Path) -> Iterator[str]:
    """No module imports itself by way of others."""
    edges, done = graph(root), set[str]()

    def visit(module: str, path: list[str]) -> Iterator[str]:
        if module in path:
            yield "a circle: " + " → ".join([*path[path.index(module):], module])
        elif module not in done:
            for target in edges[module]:
                yield from visit(target, [*path, module])
            done.add(module)

    for module in edges:
        yield from visit(module, [])


def the_map(root: Path) -> dict[str, list[str]]:
    """Room -> its folders and loose files, in CONTRIBUTING.md's order."""
    found: dict[str, list[str]] = {}
    for line in (root / "CONTRIBUTING.md").read_text().splitlines():
        if room := re.match(r"    (\w+)/ +\S", line):
            entries = found.setdefault(room[1], [])
        elif entry := re.match(r"      (\w+(?:/|\.py)) +\S", line):
            entries.append(entry[1].removesuffix("/").removesuffix(".py"))
    return found


def mapped(root: Path) -> Iterator[str]:
    """The map has each folder and loose file of a room, and no other."""
    for room, entries in the_map(root).items():
        there = {path.stem for path in (root / room).iterdir() if path.suffix == ".py" or path.is_dir()}
        there -= {"__init__", "__pycache__"}
        yield from (f"{room}/{name} is not in CONTRIBUTING.md" for name in sorted(there - set(entries)))
        yield from (f"{room}/{name} is in CONTRIBUTING.md alone" for name in sorted(set(entries) - there))


def order(root: Path) -> Iterator[str]:
    """Within a room, imports go up the map."""
    places = {f"quarl.{room}.{name}": index
              for room, entries in the_map(root).items() for index, name in enumerate(entries)}
    for module, edges in graph(root).items():
        for target, line in edges.items():
            here, there = (".".join(each.split(".")[:3]) for each in (module, target))
            if here.split(".")[1] == there.split(".")[1] and places.get(there, -1) > places.get(here, -1):
                yield f"{module}:{line}: {target} stands below it in CONTRIBUTING.md"


def board(root: Path) -> Iterator[str]:
    """host/ is Python 3.8, and without numpy and what is imported late it needs the standard library alone."""
    for name, path in sources(root, "host").items():
        if error := refused(path.read_text()):
            yield f"{name}:{error.lineno}: not Python 3.8: {error.msg}"
        for target, line, at_once in imported(path.read_text()):
            if target.split(".")[0] not in {"quarl", "numpy", *sys.stdlib_module_names, *(() if at_once else LATE)}:
                yield f"{name}:{line}: {target} is not on every board"


def sizes(root: Path) -> Iterator[str]:
    """A folder has few modules, and says in ``__init__.py`` what it holds."""
    folders: dict[str, list[str]] = {}
    for name in sources(root, *ROOMS):
        folders.setdefault(str(Path(name).parent), []).append(name)
    for folder, files in folders.items():
        modules = [name for name in files if not name.endswith("__init__.py")]
        if len(modules) > MODULES and folder not in FULL:
            yield f"{folder} has {len(modules)} modules, more than {MODULES}"
        init = root / folder / "__init__.py"
        if not init.exists() or not init.read_text().startswith('"""'):
            yield f"{folder}/__init__.py must say what the folder holds"


def mirrored(root: Path) -> Iterator[str]:
    """A test lies in the folder that has the name of what it tests."""
    for name in sources(root, *(f"tests/{room}" for room in ROOMS)):
        folder = Path(name).relative_to("tests").parent
        if Path(name).name.startswith("test_") and not (root / folder).is_dir():
            yield f"{name}: there is no {folder}/"


ENGINES = {"rom", "dsp", "lut"}


def dispatch(root: Path) -> Iterator[str]:
    """What is done on an engine is in its record or its model: nothing compares an engine's name."""
    for name, path in sources(root, *ROOMS).items():
        for line, text in compared(path.read_text()):
            yield f"{name}:{line}: {text}: ask the engine's record instead"


@functools.lru_cache(2000)
def compared(text: str) -> tuple[tuple[int, str], ...]:
    """Where the name of an engine is compared, and the comparison."""
    return tuple((node.lineno, ast.unparse(node)) for node in ast.walk(ast.parse(text))
                 if isinstance(node, ast.Compare) and re.search(r"engine|compute", ast.unparse(node.left))
                 and any(isinstance(each, ast.Constant) and each.value in ENGINES for each in ast.walk(node)))


RULES = (names, rooms, circles, mapped, order, board, sizes, mirrored, dispatch)


def broken(root: Path) -> list[str]:
    """What breaks a rule in the sources below ``root``."""
    return [line for rule in RULES for line in rule(root)]
