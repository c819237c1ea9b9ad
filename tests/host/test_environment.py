import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from host import environment
from host.errors import UserError
from host.policy import ActionSpace
from tests.host.helpers import box_policy, make_policy, refused

TASK = "the task must be an installed Gymnasium environment"
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


@pytest.mark.parametrize("task, near", [("CartPole-v", "CartPole-v1"), ("cartpole-v1", "CartPole-v1"),
                                        ("CartPole-v99", "CartPole-v1"), ("Acrobat-v1", "Acrobot-v1")])
def test_unknown_task_lists_the_near_ones(task, near):
    with pytest.raises(UserError) as caught:
        environment.make(task)
    assert caught.value.rule == TASK
    assert caught.value.found.startswith(task + " (")
    assert caught.value.fix.startswith("use one of ") and near in caught.value.fix


@pytest.mark.parametrize("task", ["Qqqqqqqqqq-v0", "not a name!", "", "no_such_module:Env-v0", "CartPole v1 : x"])
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


@pytest.mark.parametrize("space", [spaces.Discrete(2), spaces.Box(-1, 1, (1,)), spaces.MultiDiscrete([2, 2]),
                                   spaces.Box(-1, 1, (2, 3))], ids=str)
def test_box_actions_that_do_not_fit(space):
    policy = box_policy(action=ActionSpace("box", 0, (-1.0, -1.0), (1.0, 1.0)))
    with refused(UserError, "the environment's actions must be the policy's (box of size 2)", str(space), OTHER_TASK):
        environment.check_fits(Spaces(PAIR, space), policy)
