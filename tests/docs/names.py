"""Names that documents speak of, and whether they exist: files, links, dotted names, commands and options.

Each function yields what is wrong, as text. They read any text, so that help texts are held to the same rules.
"""
from __future__ import annotations

import argparse
import functools
import importlib
import re
from collections.abc import Iterator
from typing import Any

from quarl.build_flows import cli
from quarl.host import __main__ as board
from quarl.host.errors import UserError
from tests.docs.documents import ROOT
from tests.docs.listed import listed

_FOLDERS = "host|models|hw|build_flows|tests|docs|benchmarks|studies|scripts|quarl"
_PATH = re.compile(rf"(?<![\w./~$-])(?:{_FOLDERS})/[\w./*-]*")
_FILE = re.compile(r"(?<![\w./*-])\w+\.py\b")
_DOTTED = re.compile(r"(?<![\w./-])quarl(?:\.\w+)+")
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@functools.cache
def files() -> frozenset[str]:
    """The names of the repository's files, without their folders."""
    found = [path for folder in _FOLDERS.split("|") for path in (ROOT / folder).rglob("*")]
    return frozenset(path.name for path in [*found, *ROOT.iterdir()] if path.is_file())


def paths(text: str) -> Iterator[str]:
    """Files and folders, with ``*`` or words in capitals where names vary; Python files also by their names alone."""
    for found in _PATH.findall(re.sub(r"\]\(.*?\)", "]", text)):
        name = re.sub(r"\b[A-Z]{2,}\b", "*", found.rstrip(".").removeprefix("quarl/"))
        if not (list(ROOT.glob(name.rstrip("/"))) if name else ROOT):
            yield f"there is no {found}"
    yield from (f"there is no {name}" for name in _FILE.findall(text) if name not in files())


def dotted(text: str) -> Iterator[str]:
    """``quarl.a.b.c``: modules and what is in them; ``quarl.service`` and the like are files."""
    for name in _DOTTED.findall(text):
        if name not in files() and not _exists(name):
            yield f"there is no {name}"


def _exists(name: str) -> bool:
    parts = name.split(".")
    found: Any = importlib.import_module(parts[0])
    for number, part in enumerate(parts[1:], 2):
        if not hasattr(found, part):
            try:
                importlib.import_module(".".join(parts[:number]))
            except ModuleNotFoundError:
                return False
        found = getattr(found, part)
    return True


def programs(text: str) -> Iterator[str]:
    """``make TARGET`` and ``python -m benchmarks NAME`` in code spans."""
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listing = re.search(r"BENCHMARKS = \((.*?)\)", (ROOT / "benchmarks" / "__main__.py").read_text(), re.DOTALL)
    assert listing, "benchmarks/__main__.py must list them in BENCHMARKS"
    for span in (" ".join(found.split()) for found in _SPAN.findall(text)):
        if (found := re.match(r"make ([a-z][\w-]*)", span)) and found[1] not in targets:
            yield f"there is no {found[0]}"
        if (found := re.match(r"python -m benchmarks ([\w.]+)", span)) and found[1] not in listing[1]:
            yield f"there is no benchmark {found[1]}"


def links(page: str, text: str) -> Iterator[str]:
    """Relative links lead to files, and their anchors to headings."""
    for link in _LINK.findall(text):
        target, _, anchor = link.partition("#")
        if ":" in target:
            continue
        path = (ROOT / page).parent / target
        if not path.exists():
            yield f"there is no {link}"
        elif anchor and anchor not in _anchors(path.read_text() if target else text):
            yield f"there is no heading for {link}"


def _anchors(text: str) -> list[str]:
    return [re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)", text, re.MULTILINE)]


@functools.cache
def parsers() -> dict[str, list[argparse.ArgumentParser]]:
    """Command -> its parsers: of ``quarl``, and of the board's where it has the command."""
    found: dict[str, list[argparse.ArgumentParser]] = {}
    for parser in (cli._parser(), board._parser()):
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, command in action.choices.items():
                    found.setdefault(name, []).append(command)
    return found


def options(text: str) -> Iterator[str]:
    """``quarl COMMAND --option`` in code spans: the command exists, and has the option; a lone one some command has."""
    known = {option for each in parsers().values() for parser in each for option in parser._option_string_actions}
    known.update(*listed()["options"].values())
    for span in _SPAN.findall(text):
        span = " ".join(span.split())
        if found := re.match(r"quarl ([a-z][\w-]*)", span):
            if found[1] not in parsers():
                yield f"there is no command {found[0]}"
                continue
            have = {option for parser in parsers()[found[1]] for option in parser._option_string_actions}
            yield from (f"{found[0]} has no {option}" for option in _OPTION.findall(span) if option not in have)
        elif span.startswith("--"):
            yield from (f"no command has {option}" for option in _OPTION.findall(span)[:1] if option not in known)


def parses(words: list[str], of: Any = cli) -> str | None:
    """What the real parser says against the command line of ``quarl``; ``of`` has the parser. Runs nothing."""
    try:
        of._parser().parse_args(words)
    except UserError as error:
        return str(error)
    return None
