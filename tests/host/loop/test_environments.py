"""The environment of a policy in the closed loop: what it is made with, and what happens where it fails."""
import numpy as np
import pytest

import tests.environments_of_users as users
from quarl.host import connect
from quarl.host import policy as package
from quarl.host.devices.integer import IntegerDevice
from quarl.host.errors import UserError
from quarl.host.log.run_log import records
from quarl.host.loop.settings import Settings
from quarl.host.policy import Layer
from tests.host.helpers import make_policy, vector
from tests.host.loop.closed_loop import of, play
from tests.host.remote.helpers import serving

PLAIN = "Users-Plain-v0"
MADE = {"kwargs": {"reward": 2.0}, "wrappers": [{"name": "tests.environments_of_users:Doubled", "kwargs": {}}],
        "max_episode_steps": 3}


def walker(**changes):
    return make_policy(task=PLAIN, **changes)


def returns(log):
    return [(episode["length"], episode["return"]) for episode in of("episode", log)]


@pytest.mark.parametrize(("settings", "expected"), [
    ({}, (3, 6.0)), ({"max_episode_steps": 4}, (4, 8.0)), ({"max_episode_steps": 40}, (5, 10.0)),
    ({"max_steps": 2}, (2, 4.0)), ({"task": PLAIN}, (3, 6.0)), ({"task": "Users-Double-v0"}, (3, 3.0)),
])
def test_it_is_made_as_in_training(tmp_path, settings, expected):
    _, log = play(tmp_path / "log", walker(environment=MADE), episodes=2, **settings)
    assert returns(log) == [expected] * 2


def actions(path, scale, environment):
    """What a policy does that looks where it is; what it sees is multiplied by ``scale``."""
    looks = make_policy(task=PLAIN, environment=environment, encode_scale=vector(scale, scale),
                        encode_offset=vector(1, -1), layers=(Layer(np.array([[1, -1], [-1, 1]], np.int8), 2),))
    return [step["action"] for step in of("step", play(path, looks, episodes=8)[1])]


def test_wrappers_are_around_it(tmp_path):
    doubled = actions(tmp_path / "log", 2, {"wrappers": MADE["wrappers"]})
    assert doubled == actions(tmp_path / "log", 4, {}) != actions(tmp_path / "log", 2, {})


def test_a_client_of_a_server_makes_it_too(tmp_path):
    pytest.importorskip("zmq")
    found = walker(environment=MADE)
    with serving(IntegerDevice(found)) as server:
        _, log = play(tmp_path / "log", found, connect.create(server.address, found, tmp_path), episodes=2)
        assert returns(log) == [(3, 6.0)] * 2
        with pytest.raises(UserError, match=r"Users-Broken-v0 must take step 1 .*ZeroDivisionError"):
            play(tmp_path / "log", found, connect.create(server.address, found, tmp_path), task="Users-Broken-v0")


@pytest.mark.parametrize("record", [{"kwargs": 3}, {"wrappers": ["TimeLimit"]}, {"steps": 3},
                                    {"max_episode_steps": "many"}], ids=str)
def test_a_package_that_describes_none(tmp_path, record):
    with pytest.raises(UserError):
        play(tmp_path / "log", walker(environment=record))
    assert not (tmp_path / "log").exists()


def test_a_package_keeps_it(tmp_path):
    found = walker(environment=MADE)
    package.write(found, tmp_path / "policy", b"")
    assert package.read(tmp_path / "policy") == found != walker()
    assert hash(found) != hash(walker()) and found.hash != walker().hash


def test_packages_from_before_are_as_they_were():
    assert walker().hash == walker(environment={}).hash
    assert make_policy().hash == "4ff8d67bfff2d316f8c67d3d96d13a79c51cc699305fe8164b89198982c39f29"


@pytest.mark.parametrize("envs", [1, 3])
def test_after_an_error_a_run_is_resumed(tmp_path, monkeypatch, envs):
    whole, _ = play(tmp_path / "whole", walker(), episodes=6, envs=envs)
    real, left = users.Walk.step, [17]

    def step(self, action):
        left[0] -= 1
        if left[0] == 0:
            raise RuntimeError("a cable came off")
        return real(self, action)

    monkeypatch.setattr(users.Walk, "step", step)
    with pytest.raises(UserError, match=r"must take step .*found RuntimeError: a cable came off"):
        play(tmp_path / "log", walker(), episodes=6, envs=envs)
    error = list(records(tmp_path / "log"))[-1]
    assert error["type"] == "error" and "in step" in error["traceback"] and "a cable came off" in error["text"]
    resumed, log = play(tmp_path / "log", walker(), episodes=6, envs=envs, resume=True)
    assert (resumed["return_mean"], resumed["steps"]) == (whole["return_mean"], whole["steps"])
    assert not of("error", log) and len(of("episode", log)) == 6 and np.isfinite(resumed["return_std"])


def test_the_limit_is_checked_at_once():
    with pytest.raises(UserError, match="the steps of an episode must be a number of 1 or more, found 0"):
        Settings(max_episode_steps=0)
