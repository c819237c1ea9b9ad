import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from quarl.host.environments import environment
from quarl.host.errors import UserError
from quarl.host.policy import ActionSpace
from tests.host.helpers import box_policy, make_policy, refused

TASK = "the task must be an installed Gymnasium environment"
ATARI = "install the Atari games: pip install ale-py opencv-python-headless"
OTHER_TASK = "use the task that the policy was trained on, Toy-v0"
PAIR = spaces.Box(-1, 1, (2,))


class Spaces:
    """As much of an environment as the check looks at."""

    def __init__(self, observation, action):
        self.observation_space, self.action_space = observation, action


def test_make():
    env = environment.make("CartPole-v1")
    assert env.spec.id == "CartPole-v1"
    env.close()


@pytest.mark.parametrize("task, near", [("CartPole-v", "CartPole-v1"),
                                        ("CartPole-v99", "CartPole-v1"), ("Acrobat-v1", "Acrobot-v1"),
                                        ("Navigation-v1", "Navigation-v0")])
def test_unknown_task_lists_the_near_ones(task, near):
    with pytest.raises(UserError) as caught:
        environment.make(task)
    assert caught.value.rule == TASK
    assert caught.value.found.startswith(task + " (")
    assert caught.value.fix.startswith("use one of ") and near in caught.value.fix


@pytest.mark.parametrize(("task", "meant"), [
    ("Cartpole-v1", "CartPole-v1"), ("navigation-v0", "Navigation-v0"), ("LUNARLANDER-V3", "LunarLander-v3")])
def test_a_task_in_other_letters(task, meant):
    with pytest.raises(UserError) as caught:
        environment.make(task)
    assert (caught.value.rule, caught.value.fix) == (TASK, f"did you mean {meant}")


@pytest.mark.parametrize("task", ["Qqqqqqqqqq-v0", "not a name!", ""])
def test_unknown_task_with_none_near(task):
    with pytest.raises(UserError) as caught:
        environment.make(task)
    assert caught.value.rule == TASK and caught.value.found.startswith(task + " (")


def test_nothing_near_says_how_to_list_them():
    with pytest.raises(UserError) as caught:
        environment.make("Qqqqqqqqqq-v0")
    assert caught.value.fix == "list them with gymnasium.pprint_registry()"


def test_missing_simulator():
    def needs_more(**_):
        raise gymnasium.error.DependencyNotInstalled("no simulator")

    gymnasium.register("QuarlNeedsMore-v0", entry_point=needs_more)
    try:
        with refused(UserError, TASK, "QuarlNeedsMore-v0 (no simulator)",
                     "install what it needs: pip install 'gymnasium[all]'"):
            environment.make("QuarlNeedsMore-v0")
    finally:
        del gymnasium.registry["QuarlNeedsMore-v0"]


def test_navigation_needs_no_import():
    code = ("from quarl.host.environments import environment; "
            "print(environment.make('Navigation-v0').reset(seed=0)[0].shape)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("(13,)\n", "")


def test_making_it_twice_registers_it_once():
    first, second = environment.make("Navigation-v0"), environment.make("Navigation-v0")
    assert first.spec.id == second.spec.id == "Navigation-v0" and first.spec.max_episode_steps == 200


@pytest.mark.parametrize("task, sticky", [("ALE/Pong-v5", 0.25), ("PongNoFrameskip-v4", 0.0), ("Pong-v4", 0.0)])
def test_atari_games_are_preprocessed(task, sticky):
    pytest.importorskip("ale_py")
    env = environment.make(task)
    space = env.observation_space
    assert (space.shape, space.dtype, space.low.min(), space.high.max()) == ((4, 84, 84), np.uint8, 0, 255)
    assert env.action_space == spaces.Discrete(6)
    assert env.spec.kwargs["repeat_action_probability"] == sticky
    first, info = env.reset(seed=0)
    before, lives = info["episode_frame_number"], env.unwrapped.ale.lives()
    second, _, _, _, info = env.step(0)
    assert info["episode_frame_number"] == before + 4 and lives == 0
    assert first.dtype == np.uint8 and space.contains(second)
    assert np.array_equal(second[:3], first[1:])                     # the oldest frame goes, the newest comes last
    again, _ = env.reset(seed=0)
    assert np.array_equal(again, first)
    env.close()


def test_atari_games_begin_with_up_to_30_no_ops():
    pytest.importorskip("ale_py")
    env = environment.make("PongNoFrameskip-v4")
    frames = {env.reset(seed=seed)[1]["episode_frame_number"] for seed in range(8)}
    assert len(frames) > 3 and min(frames) >= 1 and max(frames) <= 30
    env.close()


def test_an_atari_episode_is_a_whole_game():
    pytest.importorskip("ale_py")
    env = environment.make("BreakoutNoFrameskip-v4")
    env.reset(seed=0)
    lost = False
    for step in range(400):
        _, _, terminated, truncated, info = env.step(1 if step % 10 == 0 else 3)      # fire, then to the side
        lost = lost or info["lives"] < 5
        if lost:
            break
    assert lost and not terminated and not truncated
    env.close()


def test_stable_baselines3_sees_frames_with_channels_first():
    pytest.importorskip("ale_py")
    preprocessing = pytest.importorskip("stable_baselines3.common.preprocessing")
    env = environment.make("PongNoFrameskip-v4")
    assert preprocessing.is_image_space(env.observation_space)
    assert preprocessing.is_image_space_channels_first(env.observation_space)
    env.close()


def test_misspelt_game():
    pytest.importorskip("ale_py")
    with pytest.raises(UserError) as caught:
        environment.make("ALE/Png-v5")
    assert caught.value.rule == TASK and caught.value.fix.startswith("use one of ALE/Pong-v5")


@pytest.mark.parametrize("task", ["ALE/Pong-v5", "PongNoFrameskip-v4"])
def test_missing_atari_package(monkeypatch, task):
    for name in [name for name, spec in gymnasium.registry.items() if spec.entry_point == "ale_py.env:AtariEnv"]:
        monkeypatch.delitem(gymnasium.registry, name)
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(UserError) as caught:
        environment.make(task)
    assert (caught.value.rule, caught.value.fix) == (TASK, ATARI)
    assert caught.value.found.startswith(task + " (")


def test_missing_opencv(monkeypatch):
    pytest.importorskip("ale_py")
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UserError) as caught:
        environment.make("PongNoFrameskip-v4")
    assert (caught.value.rule, caught.value.fix) == (TASK, ATARI)


def test_spaces_that_fit():
    environment.check_fits(Spaces(PAIR, spaces.Discrete(2)), make_policy())
    environment.check_fits(Spaces(PAIR, spaces.Box(np.float32([-1, 0]), np.float32([1, 4]))), box_policy())


@pytest.mark.parametrize("space", [spaces.Box(-1, 1, (3,)), spaces.Box(-1, 1, (2, 1)), spaces.Discrete(2),
                                   spaces.Dict({"x": PAIR})], ids=str)
def test_observations_that_do_not_fit(space):
    with refused(UserError, "the environment's observations must have the policy's shape (2,)", str(space), OTHER_TASK):
        environment.check_fits(Spaces(space, spaces.Discrete(2)), make_policy())


@pytest.mark.parametrize("space", [spaces.Discrete(3), PAIR, spaces.MultiDiscrete([2, 2])], ids=str)
def test_discrete_actions_that_do_not_fit(space):
    with refused(UserError, "the environment's actions must be the policy's (discrete of size 2)", str(space),
                 OTHER_TASK):
        environment.check_fits(Spaces(PAIR, space), make_policy())


@pytest.mark.parametrize("start", [1, -2, 100])
def test_discrete_actions_start_where_the_policy_has_them(start):
    policy = make_policy(action=ActionSpace("discrete", 2, start=start))
    environment.check_fits(Spaces(PAIR, spaces.Discrete(2, start=start)), policy)
    for space in (spaces.Discrete(2), spaces.Discrete(2, start=start + 1)):
        rule = f"the environment's actions must be the policy's (discrete of size 2 from {start})"
        with refused(UserError, rule, str(space), OTHER_TASK):
            environment.check_fits(Spaces(PAIR, space), policy)
    with refused(UserError, "the environment's actions must be the policy's (discrete of size 2)",
                 f"Discrete(2, start={start})", OTHER_TASK):
        environment.check_fits(Spaces(PAIR, spaces.Discrete(2, start=start)), make_policy())


@pytest.mark.parametrize("space", [spaces.Discrete(2), spaces.Box(-1, 1, (1,)), spaces.MultiDiscrete([2, 2]),
                                   spaces.Box(-1, 1, (2, 3))], ids=str)
def test_box_actions_that_do_not_fit(space):
    policy = box_policy(action=ActionSpace("box", 0, (-1.0, -1.0), (1.0, 1.0)))
    with refused(UserError, "the environment's actions must be the policy's (box of size 2)", str(space), OTHER_TASK):
        environment.check_fits(Spaces(PAIR, space), policy)
