"""What a person sees while episodes are played."""
import sys

import pytest

from build_flows import live
from build_flows.live import Live


def play(shown, episodes):
    for episode in range(episodes):
        shown.playing(episode, 7, 6.5, 41.6)
        shown.ended({"episode": episode, "return": 10.0 + episode})
    shown.close()


def test_a_line_for_each_episode(capsys):
    play(Live(2), 2)
    assert capsys.readouterr().out.splitlines() == ["episode 1 of 2: return 10", "episode 2 of 2: return 11"]


def test_a_line_now_and_then_in_a_long_episode(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    shown = Live(2)
    for now[0] in (5, 11, 12, 20, 22):
        shown.playing(1, round(now[0]), 2.5, 41.6)
    assert capsys.readouterr().out.splitlines() == [
        "episode 2: return 2.5 after 11 steps, device 42 us", "episode 2: return 2.5 after 22 steps, device 42 us"]


def test_a_run_that_was_cut_off_says_how_to_go_on(capsys):
    play(Live(5), 2)
    assert capsys.readouterr().out.splitlines()[-1] == (
        "2 of 5 episodes were played, mean return 10.5; the same command with --resume goes on")


def test_before_the_first_episode_there_is_nothing_to_go_on_with(capsys):
    Live(5).close()
    assert capsys.readouterr().out == ""


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
