"""What an environment is made with: one description, everywhere the same."""
import json
import shlex

import gymnasium
import numpy as np
import pytest

import tests.environments_of_users  # noqa: F401
from quarl.host.environments import environment
from quarl.host.environments.description import Description
from quarl.host.errors import UserError

PLAIN, DOUBLED = "Users-Plain-v0", "tests.environments_of_users:Doubled"


def first(*arguments):
    return environment.make(Description(PLAIN, *arguments)).reset(seed=1)[0]


@pytest.mark.parametrize("described", [
    Description(PLAIN), Description(PLAIN, {"scale": 2.0, "map": ["SF", "FG"], "odd": None}),
    Description(PLAIN, {}, [("FlattenObservation", {}), ("TimeLimit", {"max_episode_steps": 3})], 7),
    Description(PLAIN, {"sizes": (1, 2)}, ((DOUBLED, {"by": 3}),)),
])
def test_a_record_gives_it_back(described):
    record = json.loads(json.dumps(described.record()))
    assert Description.of(PLAIN, record) == described
    assert set(record) == {name for name in ("kwargs", "wrappers", "max_episode_steps") if getattr(described, name)}


def test_arguments_and_wrappers():
    np.testing.assert_array_equal(first({"scale": 0.5}), first() / 2)
    np.testing.assert_array_equal(first({}, [(DOUBLED, {})]), 2 * first())
    np.testing.assert_array_equal(first({"scale": 0.5}, [(DOUBLED, {"by": 3}), (DOUBLED, {})]), 3 * first())
    stacked = first({}, [("FrameStackObservation", {"stack_size": 3})])          # [3, 2], flattened
    assert stacked.shape == (6,)


@pytest.mark.parametrize("task", ["CartPole-v1", "Users-Endless-v0", "Navigation-v0"])
def test_a_time_limit(task):
    env = environment.make(Description(task, max_episode_steps=3))
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(3)] == [False, False, True]


def test_a_time_limit_takes_the_place_of_the_own_one():
    env = environment.make(Description("Pendulum-v1", max_episode_steps=250))
    env.reset(seed=0)
    assert [env.step(env.action_space.sample())[3] for _ in range(250)].index(True) == 249


def test_a_time_limit_of_atari_counts_actions():
    pytest.importorskip("ale_py")
    env = environment.make(Description("PongNoFrameskip-v4", {"difficulty": 0}, (), 3))
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(3)] == [False, False, True]
    env.close()


def test_another_limit_leaves_the_rest():
    described = Description(PLAIN, {"scale": 2.0}, [("FlattenObservation", {})], 9)
    assert described.limited(4) == Description(PLAIN, {"scale": 2.0}, [("FlattenObservation", {})], 4)
    assert described.limited(None) == described


@pytest.mark.parametrize("arguments", [
    ({"max_episode_steps": 3},), ({"id": "CartPole-v1"},), ({"": 1},), ({"x": float("nan")},), ({"x": {1, 2}},),
    ([1],), ({}, ["TimeLimit"]), ({}, [("TimeLimit", 3)]), ({}, (), 0), ({}, (), 2.5), ({}, (), True)], ids=str)
def test_what_no_description_can_be(arguments):
    with pytest.raises(UserError):
        Description(PLAIN, *arguments)


@pytest.mark.parametrize("record", [[1], {"wrapers": []}, {"wrappers": ["TimeLimit"]}, {"wrappers": "TimeLimit"},
                                    {"wrappers": [{"name": "TimeLimit"}]}, {"kwargs": 3},
                                    {"wrappers": [{"name": 3, "kwargs": {}}]}], ids=str)
def test_what_no_record_can_be(record):
    with pytest.raises(UserError):
        Description.of(PLAIN, record)


@pytest.mark.parametrize(("name", "rule", "found", "fix"), [
    ("FlatenObservation", "a wrapper must be one of Gymnasium's, or module:Class", "FlatenObservation",
     "use one of FlattenObservation"),
    ("os:system", "a wrapper must be one of Gymnasium's, or module:Class", "os:system, which is <built-in function",
     "take one of"),
    ("tests.environments_of_users:Walk", "a wrapper must be one of Gymnasium's, or module:Class",
     "tests.environments_of_users:Walk, which is <class", "take one of"),
    ("no_such_maze:Wall", "the module of the wrapper no_such_maze:Wall must be importable",
     "no module no_such_maze in ", "run quarl where"),
    ("GrayscaleObservation", "the wrapper GrayscaleObservation must go around Users-Plain-v0", "ValueError: ",
     "mend the environment"),
    ("TimeLimit", "the wrapper TimeLimit must go around Users-Plain-v0", "TypeError: ", "mend the environment"),
])
def test_wrappers_that_do_not_fit(name, rule, found, fix):
    with pytest.raises(UserError) as caught:
        first({}, [(name, {})])
    assert caught.value.rule == rule
    assert caught.value.found.startswith(found) and caught.value.fix.startswith(fix)


def test_arguments_that_it_does_not_take():
    with pytest.raises(UserError) as caught:
        first({"colour": "red"})
    assert caught.value.rule == f"the environment {PLAIN} must be made without an error, with the arguments colour"
    assert "unexpected keyword argument 'colour'" in caught.value.found


def test_gymnasiums_own_arguments():
    env = environment.make(Description("FrozenLake-v1", {"is_slippery": False, "desc": ["SFF", "FFG"]}))
    assert env.observation_space.shape == (6,) and isinstance(env, gymnasium.Env)


def test_options_are_those_of_the_command():
    described = Description(PLAIN, {"map": ["S F", "G"], "scale": 1e-5}, [("FlattenObservation", {}),
                                                                         (DOUBLED, {"by": 3})], 9)
    from quarl.build_flows.cli import arguments, train
    parser = arguments.argparse.ArgumentParser()
    train.add_arguments(parser)
    words = shlex.split(shlex.join(described.options()))
    found = arguments.environment_of(parser.parse_args(["--task", PLAIN, "--out", "x", *words]))
    assert Description.of(PLAIN, found) == described
