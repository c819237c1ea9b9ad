"""Nothing in a document is untested in silence: blocks run or are listed, commands parse, names exist, lines fit."""
import importlib
import re
import shlex

import pytest

from quarl.build_flows import cli
from quarl.host import __main__ as board
from tests.docs import names
from tests.docs.documents import ROOT, Block, blocks, pages, text
from tests.docs.listed import elsewhere, is_slow, listed

BLOCKS = [block for page in pages() for block in blocks(page)]
BOARD = "host/board/README.md"
TEXTS = ["CHANGELOG.md", BOARD, *(f"studies/{path.name}" for path in sorted((ROOT / "studies").glob("*.yaml")))]
COMMANDS = sorted({command for block in BLOCKS if block.kind == "shell" for command in block.commands})
MODULES = [(cli._MODULES[name], cli) for name in cli.COMMANDS] + [(path, board) for path in board.COMMANDS.values()]


def test_every_block_runs_or_is_listed():
    assert [command for command in COMMANDS if not command.startswith("quarl ") and command not in elsewhere()] == []
    drawings = [block.title for block in BLOCKS if block.kind == "drawing"]
    assert sorted(drawings) == sorted(listed()["drawings"])


def test_the_list_has_nothing_that_is_gone():
    named = [*elsewhere(), *listed()["slow"], *listed()["prepared"]]
    assert [line for line in named if line not in COMMANDS] == []
    assert [start for start in listed()["appended"] if not any(f"{line} ".startswith(f"{start} ") for line in COMMANDS)
            ] == []
    assert [line for line in elsewhere() if is_slow(line)] == []


@pytest.mark.parametrize("command", [command for command in COMMANDS + [
    line for block in blocks(BOARD) for line in block.commands] if re.search(r"(^|/| )quarl ", command)])
def test_a_command_parses(command):
    """Also where it does not run here: by the parser of the board, where it is the board's."""
    program, *words = shlex.split(command.removesuffix(" &"))
    of = board if "~/quarl/quarl" in (program, *words) else cli
    if program == "docker":
        words = words[words.index("quarl") + 1:]
    elif program == "sudo":
        words = words[words.index("~/quarl/quarl") + 1:]
    assert names.parses(words, of) is None


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make ")])
def test_a_target_of_make_exists(command):
    assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", [*pages(), *TEXTS])
def test_what_a_page_names_exists(page):
    content = text(page)
    assert [*names.paths(content), *names.dotted(content), *names.links(page, content), *names.options(content),
            *names.programs(content)] == []


@pytest.mark.parametrize("page", [*pages(), *TEXTS])
def test_lines_fit(page):
    """Tables and what is generated from tables may be wider."""
    assert [line for line in text(page).splitlines() if len(line) > 120 and not line.startswith(("|", "<!--"))] == []


@pytest.mark.parametrize(("module", "of"), MODULES, ids=lambda each: getattr(each, "__name__", each))
def test_examples_of_a_help_text_parse(module, of):
    help_text = importlib.import_module(module).__doc__
    for line in re.findall(r"^  quarl (.*)", help_text, re.MULTILINE):
        assert names.parses(shlex.split(re.split(r"\s{2,}", line)[0]), of) is None, line
    assert [*names.paths(help_text), *names.dotted(help_text), *names.options(help_text)] == []


def test_examples_of_the_first_help_parse():
    for line in re.findall(r"^  quarl (.*)", cli._EPILOG, re.MULTILINE):
        assert names.parses(shlex.split(re.split(r"\s{2,}", line)[0])) is None, line


PAGE = """\
# A title
Text with `quarl run --nowhere` and `quarl fly`, `--never`,
`make tea`, `python -m benchmarks tea`, hw/no/such.py, quarl.host.nothing and gone.py.

    quarl boards     # all
    make x \\
        Y=1

    # more
```python
1 / 0
```

Text

    a: 1

Text

    a ─▶ b

[a](#a-title) [b](#no-commands) [c](docs/none.md)
"""


def test_blocks_are_told_apart():
    found = blocks("README.md", PAGE)
    assert [(block.kind, block.line) for block in found] == [
        ("shell", 5), ("python", 11), ("yaml", 16), ("drawing", 20)]
    assert found[0].commands == ["quarl boards", "make x Y=1"]
    assert Block("", 1, "console", "$ quarl boards\nkv260").commands == ["quarl boards"]


def test_what_is_wrong_is_found():
    assert list(names.paths(PAGE)) == ["there is no hw/no/such.py", "there is no gone.py"]
    assert list(names.dotted(PAGE)) == ["there is no quarl.host.nothing"]
    assert list(names.links("README.md", PAGE)) == ["there is no heading for #no-commands", "there is no docs/none.md"]
    assert list(names.options(PAGE)) == ["quarl run has no --nowhere", "there is no command quarl fly",
                                         "no command has --never"]
    assert list(names.programs(PAGE)) == ["there is no make tea", "there is no benchmark tea"]
    assert "unrecognized arguments: --nowhere" in names.parses(["boards", "--nowhere"])
