"""What a person sees while episodes are played, in plain lines."""
from quarl.host.loop import progress
from quarl.host.loop.progress import Progress


def play(shown, episodes):
    for episode in range(episodes):
        shown.playing(episode, 7, 6.5, 41.6)
        shown.ended({"episode": episode, "return": 10.0 + episode})
    shown.close()


def test_a_line_for_each_episode(capsys):
    play(Progress(2), 2)
    assert capsys.readouterr().out.splitlines() == ["episode 1 of 2: return 10", "episode 2 of 2: return 11"]


def test_a_line_now_and_then_in_a_long_episode(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    shown = Progress(2)
    for now[0] in (5, 11, 12, 20, 22):
        shown.playing(1, round(now[0]), 2.5, 41.6)
    assert capsys.readouterr().out.splitlines() == [
        "episode 2: return 2.5 after 11 steps, device 42 us", "episode 2: return 2.5 after 22 steps, device 42 us"]


def test_a_run_that_was_cut_off_says_how_to_go_on(capsys):
    play(Progress(5), 2)
    assert capsys.readouterr().out.splitlines()[-1] == (
        "2 of 5 episodes were played, mean return 10.5; the same command with --resume goes on")


def test_before_the_first_episode_there_is_nothing_to_go_on_with(capsys):
    Progress(5).close()
    assert capsys.readouterr().out == ""
