import gymnasium as gym
import pytest
from gymnasium import spaces

from quarl.host.errors import UserError
from quarl.models.tasks.spaces import make_env


def test_a_known_task():
    env = make_env("Pendulum-v1")
    assert env.observation_space.shape == (3,)


def test_unknown_task():
    with pytest.raises(UserError, match=r"must be an installed Gymnasium environment, found NoSuch-v0"):
        make_env("NoSuch-v0")


@pytest.mark.parametrize(("observed", "acted", "message"), [
    (spaces.Box(0, 255, (8, 8, 1)), spaces.Discrete(2), "observations must be numbers in at most two dimensions"),
    (spaces.Sequence(spaces.Discrete(4)), spaces.Discrete(2), "observations must be numbers in at most two dimensions"),
    (spaces.Box(-1, 1, (0,)), spaces.Discrete(2), "observations must have at least one number"),
    (spaces.Box(-1, 1, (3,)), spaces.MultiDiscrete([2, 2]), "actions must be Discrete or a one-dimensional Box"),
])
def test_unsupported_spaces(monkeypatch, observed, acted, message):
    env = gym.Env()
    env.observation_space, env.action_space = observed, acted
    monkeypatch.setattr("quarl.host.environments.environment.make", lambda task: env)
    with pytest.raises(UserError, match=f"{message}.*Fix: choose another --task"):
        make_env("Odd-v0")
