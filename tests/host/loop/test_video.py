"""Films of real environments, read back frame by frame."""
import builtins
import re

import pytest

from quarl.host.environments import environment
from quarl.host.errors import UserError
from quarl.host.log.run_log import records
from tests.host.helpers import refused
from tests.host.loop.closed_loop import Clocked, cartpole_policy, of, pendulum_policy, play

imageio = pytest.importorskip("imageio")
pytest.importorskip("pygame")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_first_episodes_are_filmed(tmp_path):
    plain = play(tmp_path / "log", episodes=4, max_steps=6)[1]
    _, log = play(tmp_path / "log", episodes=4, max_steps=6, video=str(tmp_path / "films"))
    assert names(tmp_path / "films") == ["episode-0.mp4", "episode-1.mp4", "episode-2.mp4"]
    assert [step["action"] for step in of("step", log)] == [step["action"] for step in of("step", plain)]
    with imageio.get_reader(tmp_path / "films" / "episode-1.mp4") as film:
        frames = [frame for frame in film]
        assert film.get_meta_data()["fps"] == 50
    assert len(frames) == 7 and frames[0].shape == (400, 600, 3)
    assert abs(frames[0].astype(int) - frames[-1]).max() > 100, "the cart has moved"


def test_in_several_environments(tmp_path):
    play(tmp_path / "log", pendulum_policy(), episodes=2, max_steps=3, envs=2, video=tmp_path / "films")
    assert names(tmp_path / "films") == ["episode-0.mp4", "episode-1.mp4"]


def test_a_run_that_breaks_off_leaves_no_half_film(tmp_path):
    policy = cartpole_policy()
    with pytest.raises(KeyboardInterrupt):
        play(tmp_path / "log", policy, Clocked(policy, fail_at=6), max_steps=4, video=tmp_path / "films")
    assert names(tmp_path / "films") == ["episode-0.mp4"]
    assert [entry["type"] for entry in records(tmp_path / "log")] == ["run", *["step"] * 4, "episode", "step"]


def refuses(tmp_path, rule, found, fix):
    with refused(UserError, rule, found, fix):
        play(tmp_path / "log", episodes=1, video=tmp_path / "films")
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_cannot_draw(tmp_path, monkeypatch):
    class Blind:
        metadata = {"render_modes": []}  # noqa: RUF012

        def __init__(self, env):
            self.observation_space, self.action_space, self.close = env.observation_space, env.action_space, env.close

    real = environment.make
    monkeypatch.setattr(environment, "make", lambda task, render_mode: Blind(real(task)))
    refuses(tmp_path, "an environment that is filmed must be able to draw itself (render mode rgb_array)",
            "no render mode", "leave --video out for this task")


def test_an_environment_that_knows_no_render_mode(tmp_path, monkeypatch):
    import gymnasium
    monkeypatch.setitem(gymnasium.registry, "Dark-v0", gymnasium.envs.registration.EnvSpec(
        "Dark-v0", lambda: gymnasium.make("CartPole-v1")))
    with refused(UserError, "an environment must know the render mode rgb_array",
                 re.compile(".*argument 'render_mode'.*"), "leave --video out for this task"):
        play(tmp_path / "log", task="Dark-v0", video=tmp_path / "films")


def missing(monkeypatch, package):
    real = builtins.__import__

    def load(name, *rest):
        if name.split(".")[0] == package:
            raise ModuleNotFoundError(f"No module named '{package}'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", load)


@pytest.mark.parametrize("package", ["imageio", "imageio_ffmpeg"])
def test_without_the_package_that_films(tmp_path, monkeypatch, package):
    missing(monkeypatch, package)
    refuses(tmp_path, "films need imageio and ffmpeg", f"No module named '{package}'", "pip install 'imageio[ffmpeg]'")


def test_without_the_package_that_draws(tmp_path, monkeypatch):
    missing(monkeypatch, "pygame")
    refuses(tmp_path, "an environment that is filmed needs what it draws with", re.compile("pygame is not installed.*"),
            "install it, or leave --video out")
