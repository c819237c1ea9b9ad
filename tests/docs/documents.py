"""The pages of the documentation: their text, and their blocks in order.

A block is fenced or indented by four blanks. It is ``python`` by its fence, or where it begins with an import;
``shell`` where its first command begins with a program that documents call; ``yaml`` where it reads as a mapping;
anything else is a ``drawing``.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROGRAMS = ("quarl", "python", "python3", "make", "sh", "sudo", "scp", "ssh", "tar", "git", "pip", "apt", "apt-get",
            "docker")
_FENCE = re.compile(r"```(\w*)\s*$")


@dataclass(frozen=True)
class Block:
    """``line`` is that of its first line in the page, from 1."""
    page: str
    line: int
    language: str
    text: str

    @property
    def kind(self) -> str:
        """``python``, ``shell``, ``yaml`` or ``drawing``."""
        if self.language in ("python", "yaml"):
            return self.language
        if re.match(r"(import|from) \w", self.text):
            return "python"
        if self.language in ("sh", "bash", "shell", "console") or any(map(is_command, self.commands[:1])):
            return "shell"
        try:
            return "yaml" if isinstance(yaml.safe_load(self.text), dict) else "drawing"
        except yaml.YAMLError:
            return "drawing"

    @property
    def commands(self) -> list[str]:
        """The commands of a shell block: without comments, continued lines joined, single blanks; with prompts, ``$``,
        only the lines that have one."""
        lines = re.sub(r"\\\n", " ", self.text).splitlines()
        prompted = [line[2:] for line in lines if line.startswith("$ ")]
        bare = (" ".join(re.sub(r"(^|\s)#.*", "", line).split()) for line in prompted or lines)
        return [line for line in bare if line]

    @property
    def title(self) -> str:
        """The first line, which names a drawing."""
        return self.text.splitlines()[0].strip()


def is_command(line: str) -> bool:
    """Whether the line begins with a program that documents call, or with a path to one."""
    word = line.split()[0]
    return word in PROGRAMS or word.startswith(("./", "~/", "scripts/"))


def pages() -> list[str]:
    """The documents, as paths below the repository."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md",
             *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "results").glob("*.md"))]
    return [str(path.relative_to(ROOT)) for path in found]


def text(page: str) -> str:
    """The page as it is."""
    return (ROOT / page).read_text()


def blocks(page: str, content: str | None = None) -> list[Block]:
    """The blocks of a page, in order."""
    lines = (text(page) if content is None else content).splitlines()
    return list(_blocks(page, lines))


def _blocks(page: str, lines: list[str]) -> Iterator[Block]:
    at = 0
    while at < len(lines):
        if fence := _FENCE.match(lines[at]):
            end = next(n for n in range(at + 1, len(lines)) if lines[n].strip() == "```")
            yield Block(page, at + 2, fence[1], "\n".join(lines[at + 1:end]))
            at = end + 1
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1].strip() or lines[at - 1].startswith("#")):
            end = at
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            yield Block(page, at + 1, "", "\n".join(line[4:] for line in lines[at:end]).rstrip())
            at = end
        else:
            at += 1
