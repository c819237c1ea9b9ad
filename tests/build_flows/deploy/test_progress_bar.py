"""What a person sees on a terminal while episodes are played. The plain lines: tests/host/loop/test_progress.py."""
import sys

import pytest

from quarl.build_flows.deploy.progress_bar import Live
from tests.host.loop.test_progress import play


def test_plain_lines_elsewhere(capsys):
    play(Live(2), 2)
    assert capsys.readouterr().out.splitlines() == ["episode 1 of 2: return 10", "episode 2 of 2: return 11"]


@pytest.mark.parametrize("episodes", [3, 2])
def test_a_bar_on_a_terminal(capsys, monkeypatch, episodes):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    shown = Live(3)
    play(shown, episodes)
    task = shown.bar.tasks[0]
    assert (task.completed, task.total) == (episodes, 3)
    assert task.description == (f"mean {10 + (episodes - 2) / 2:.1f}, now return 6.5 after 7 steps, "
                                "device 42 us")
    out = capsys.readouterr().out
    assert f"{episodes}/3" in out and "episode 1 of 3" not in out
    assert ("--resume" in out) == (episodes < 3)
