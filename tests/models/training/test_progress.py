import io
import re
import sys

import pytest

from quarl.host.console import showing
from quarl.models.training.progress import Progress, ProgressTable

EVALUATION = {"timesteps": 512, "mean_return": 12.34, "std_return": 0.5, "episodes": 20, "seconds": 3.2}


def test_plain_lines_when_stderr_is_no_terminal(capsys):
    progress = Progress(1024)
    progress.step(512)
    progress.evaluated(EVALUATION)
    progress.close()
    captured = capsys.readouterr()
    assert captured.err == "512/1024 steps: return 12.3 ± 0.5, 20 episodes, 3 s\n"
    assert captured.out == ""


def test_a_bar_on_a_terminal(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = Progress(1024)
    progress.step(512)
    progress.evaluated(EVALUATION)
    progress.close()
    assert "512/1024 steps" in terminal.getvalue()


def test_table_continues_and_drops_what_the_checkpoint_lacks(tmp_path):
    path = tmp_path / "progress.csv"
    table = ProgressTable(path, 0)
    for step in (100, 200, 300):
        table.write({"b": step / 100, "a": 1}, {"a": (), "b": ()}, step)
    table = ProgressTable(path, 200)
    table.write({"c": 9, "hidden": 1}, {"c": (), "hidden": ("csv",)}, 250)
    assert path.read_text() == "timesteps,a,b,c\n100,1,1.0,\n200,1,2.0,\n250,,,9\n"


def test_a_new_run_starts_a_new_table(tmp_path):
    path = tmp_path / "progress.csv"
    path.write_text("timesteps,a\n100,1\n")
    ProgressTable(path, 0).write({"a": 2}, {"a": ()}, 50)
    assert path.read_text() == "timesteps,a\n50,2\n"


def test_a_row_of_the_same_step_is_added_to(tmp_path):
    path = tmp_path / "progress.csv"
    path.write_text("timesteps,a\n100,1\n")
    table = ProgressTable(path, 100)
    table.write({"b": 2}, {"b": ()}, 100)
    table.write({"a": 3}, {"a": ()}, 200)
    assert path.read_text() == "timesteps,a,b\n100,1,2\n200,3,\n"


@pytest.mark.parametrize("steps", [1, 1000, 4096])
def test_the_bar_ends_where_training_did(monkeypatch, steps):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = Progress(1024)
    progress.evaluated({**EVALUATION, "timesteps": steps})
    progress.tell("[all] is said")
    progress.close()
    assert re.findall(r"(\d+)/1024 steps", terminal.getvalue())[-1] == str(steps)
    assert "[all] is said" in terminal.getvalue()


def test_nothing_is_told_where_a_call_is_quiet(capsys):
    progress = Progress(1024)
    progress.tell("heard")
    with showing(False):
        progress.tell("not heard")
    assert capsys.readouterr().err == "heard\n"
