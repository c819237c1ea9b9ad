"""Output whose encoding has not all characters: plain ones stand for them, and nothing is lost."""
import io
import os
import subprocess
import sys

import pytest

from quarl.host.console import printable, say

PRINTS = """
import sys
from quarl.host import commands
from quarl.host.errors import UserError

def run(args):
    print("return 9.0 ± 0.8 … → 3 µs, 40.5 °C, 日本, caf\\u00e9", flush=True)
    raise UserError("a name must be ≥ 1 character", "…", "write “x”")

def make():
    parser = commands.Parser(prog="quarl", description="0.8 ± 0.1")
    parser.set_defaults(run=run, json=False)
    return parser

sys.exit(commands.main(make, sys.argv[1:]))
"""
ASCII_OUT = "return 9.0 +- 0.8 ... -> 3 us, 40.5  deg C, ??, caf?\n"
ASCII_ERROR = 'error: a name must be >= 1 character, found .... Fix: write "x".\n'


@pytest.fixture
def printed(tmp_path):
    """Exit code, output and errors of the program in an environment."""
    program = tmp_path / "program.py"
    program.write_text(PRINTS, encoding="utf-8")

    def printed(environment, *arguments):
        done = subprocess.run([sys.executable, str(program), *arguments], capture_output=True,
                              env={**os.environ, **environment})
        return done.returncode, done.stdout, done.stderr
    return printed


@pytest.mark.parametrize("environment", [
    {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "ascii:strict"},
    {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}])
def test_ascii(printed, environment):
    assert printed(environment) == (2, ASCII_OUT.encode(), ASCII_ERROR.encode())


def test_latin_1_has_some_of_them(printed):
    code, out, error = printed({"PYTHONIOENCODING": "latin-1"})
    assert (code, error) == (2, ASCII_ERROR.encode())
    assert out.decode("latin-1") == "return 9.0 ± 0.8 ... -> 3 µs, 40.5 °C, ??, café\n"


def test_utf_8_has_all(printed):
    code, out, _ = printed({"PYTHONIOENCODING": "utf-8"})
    assert (code, out.decode()) == (2, "return 9.0 ± 0.8 … → 3 µs, 40.5 °C, 日本, café\n")


def test_help(printed):
    code, out, _ = printed({"PYTHONIOENCODING": "ascii"}, "--help")
    assert code == 0 and b"0.8 +- 0.1" in out


def test_a_file_s_name_that_is_no_text_is_printed_as_it_is(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", stream)
    with printable():
        say(os.fsdecode(b"caf\xe9"))
    assert stream.buffer.getvalue() == b"caf\xe9\n" and stream.errors == "strict"
