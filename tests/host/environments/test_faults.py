"""What goes wrong in a user's environment is told as its own."""
import numpy as np
import pytest

import tests.environments_of_users  # noqa: F401
from quarl.host.environments import environment, guarded
from quarl.host.errors import UserError


def use(task):
    env = environment.make(task)
    env.reset(seed=0)
    return env.step(0)


@pytest.mark.parametrize(("kind", "rule", "found"), [
    ("Unmade", "the environment Users-Unmade-v0 must be made without an error",
     "OSError: no serial port (environments_of_users.py:"),
    ("Lacking", "the environment Users-Lacking-v0 must be made without an error",
     "ModuleNotFoundError: No module named 'serial' (environments_of_users.py:"),
    ("Nested", "the environment Users-Nested-v0 must be made without an error",
     "NameNotFound: no Inner-v0 (environments_of_users.py:"),
    ("Unbegun", "the environment Users-Unbegun-v0 must begin an episode without an error",
     "KeyError: 'goal' (environments_of_users.py:"),
    ("Broken", "the environment Users-Broken-v0 must take step 1 of an episode without an error",
     "ZeroDivisionError: division by zero (environments_of_users.py:"),
    ("Silent", "the environment Users-Silent-v0 must take step 1 of an episode without an error",
     "AssertionError (environments_of_users.py:"),
])
def test_its_own_exception_is_named(kind, rule, found):
    with pytest.raises(UserError) as caught:
        use(f"Users-{kind}-v0")
    assert caught.value.rule == rule and caught.value.found.startswith(found)
    assert "\n" not in str(caught.value) and "QUARL_TRACEBACK=1" in caught.value.fix
    assert type(caught.value.__cause__).__name__ == found.partition(":")[0].partition(" ")[0]


@pytest.mark.parametrize(("kind", "rule", "found"), [
    ("Wrong", "an observation of Users-Wrong-v0 must have the shape that its space declares, (2,)", "shape (3,)"),
    ("Nothing", "an observation of Users-Nothing-v0 must be numbers of the shape (2,)", "NoneType: not numbers, "),
    ("Words", "an observation of Users-Words-v0 must be numbers of the shape (2,)", "list: not numbers, but <U5"),
    ("Halves", "an observation of Users-Halves-v0 must be of the type that its space declares, int64", "[0.5 1. ], as"),
    ("Unrewarded", "a reward of Users-Unrewarded-v0 must be a number", "None"),
])
def test_what_it_returns_is_checked(kind, rule, found):
    with pytest.raises(UserError) as caught:
        use(f"Users-{kind}-v0")
    assert caught.value.rule == rule and caught.value.found.startswith(found)


class Old:
    """As much of an environment of the older gym as matters."""

    def reset(self, *, seed=None, options=None):
        return np.zeros(2)

    def step(self, action):
        return np.zeros(2), 0.0, False, {}


@pytest.mark.parametrize(("method", "arguments", "found"), [("reset", (), "ndarray"),
                                                            ("step", (0,), "(ndarray, float, bool, dict)")])
def test_the_older_gym_is_told_apart(monkeypatch, method, arguments, found):
    env = environment.make("Users-Plain-v0")
    monkeypatch.setattr(type(env.unwrapped), method, getattr(Old, method))
    env.env = env.unwrapped                   # without the wrappers that fail before
    with pytest.raises(UserError, match=f"{method} of Users-Plain-v0 must return ") as caught:
        getattr(env, method)(*arguments)
    assert caught.value.found == found


@pytest.mark.parametrize("kind", ["List", "Tuple", "Double", "Whole"])
def test_numbers_of_any_kind_are_observations(kind):
    observation, reward, *_ = use(f"Users-{kind}-v0")
    assert observation.dtype == np.float32 and observation.shape == (2,) and type(reward) is float
    if kind != "Whole":
        np.testing.assert_array_equal(observation, use("Users-Plain-v0")[0])


@pytest.mark.parametrize(("task", "limit"), [("Users-Endless-v0", guarded.LIMIT), ("Users-Plain-v0", None)])
def test_an_episode_has_an_end(task, limit):
    env = environment.make(task)
    env.reset(seed=0)
    if limit is None:
        assert [env.step(0)[2] for _ in range(5)] == [False] * 4 + [True]
        return
    for _ in range(limit - 1):
        env.step(0)
    with pytest.raises(UserError, match=f"must end within {limit} steps, found {task}, .*--max-episode-steps 1000"):
        env.step(0)


def test_a_longer_time_limit_of_its_own_is_kept():
    env = guarded.guarded(environment.make("Users-Plain-v0").unwrapped, "long", 2 * guarded.LIMIT)
    env.unwrapped.length = None
    env.reset(seed=0)
    for _ in range(guarded.LIMIT + 5):
        env.step(0)
