"""Tables and stages on lines of any length."""
import io
import sys

import pytest

from quarl.build_flows.console import stage, table, width

COLUMNS = ("board", "part", "LUT", "MHz")
ROWS = [("pynq-z2", "xc7z020clg400-1", 53200, 100), ("a board with a name of many words", "", 1, 2.5)]


def shown(capsys, monkeypatch, columns, *arguments):
    monkeypatch.setenv("COLUMNS", str(columns))
    table(*arguments)
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", [80, 120])
def test_a_table_where_it_fits(capsys, monkeypatch, columns):
    lines = shown(capsys, monkeypatch, columns, "Boards", COLUMNS, ROWS).splitlines()
    assert lines[1] == "Boards" and "│ pynq-z2 " in lines[5] and lines[5].endswith("│ 53200 │ 100 │")


def test_it_is_never_cut(capsys, monkeypatch):
    """A table of exactly so many columns, and one less."""
    widest = max(map(len, shown(capsys, monkeypatch, 120, "", COLUMNS, ROWS).splitlines()))
    assert "│" in shown(capsys, monkeypatch, widest, "", COLUMNS, ROWS)
    assert "│" not in shown(capsys, monkeypatch, widest - 1, "", COLUMNS, ROWS)


@pytest.mark.parametrize("columns", [40, 30, 1])
def test_a_list_where_it_does_not(capsys, monkeypatch, columns):
    text = shown(capsys, monkeypatch, columns, "Boards", COLUMNS, ROWS)
    assert "…" not in text and max(map(len, text.splitlines())) <= max(columns, 23)
    assert " ".join(text.split()) == ("Boards pynq-z2 part: xc7z020clg400-1 LUT: 53200 MHz: 100 "
                                      "a board with a name of many words LUT: 1 MHz: 2.5")


def test_what_fits_on_a_line_of_a_list_shares_it(capsys, monkeypatch):
    text = shown(capsys, monkeypatch, 40, "Boards", COLUMNS, ROWS)
    assert text == ("\nBoards\npynq-z2\n  part: xc7z020clg400-1   LUT: 53200\n  MHz: 100\n"
                    "a board with a name of many words\n  LUT: 1   MHz: 2.5\n")


def test_columns_without_names(capsys, monkeypatch):
    assert shown(capsys, monkeypatch, 20, "CartPole-v1", ("", ""), [("steps per second", "12345")]) == (
        "\nCartPole-v1\nsteps per second\n  12345\n")


def test_marks_in_cells_are_text(capsys, monkeypatch):
    assert "[8,4,8]" in shown(capsys, monkeypatch, 80, "", ("bits",), [("[8,4,8]",)])


def test_plain_lines_where_there_are_no_others(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    table("Boards", COLUMNS, ROWS)
    stream.flush()
    assert "| pynq-z2 " in stream.buffer.getvalue().decode("ascii")


@pytest.mark.parametrize(("given", "columns"), [("40", 40), ("0", 120), ("", 120), ("wide", 120)])
def test_the_width_of_what_is_no_terminal(monkeypatch, given, columns):
    monkeypatch.setenv("COLUMNS", given)
    assert width() == columns


def test_a_stage_is_one_line_on_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    with stage("train"):
        pass
    line, = capsys.readouterr().out.splitlines()
    assert line.startswith("train ") and line.endswith(" s") and len(line) <= 40
