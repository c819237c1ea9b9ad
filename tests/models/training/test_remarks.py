"""What a training says beside its progress."""
import json
import re

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv

from quarl.models.tasks.normalise import FoldedVecNormalize
from quarl.models.training import remarks, supervisor
from quarl.models.training.train import TrainConfig, train
from tests.models.training.test_train import rows

SETTINGS = {"net_arch": [8], "n_envs": 8, "n_steps": 64, "eval_episodes": 2, "target_return": None}


def test_more_steps_than_were_asked_for_are_said(tmp_path, capsys):
    train(TrainConfig("CartPole-v1", tmp_path / "run", steps=300, settings=SETTINGS))
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first == ("512 steps are trained for the 300 asked for: training goes on by 512 at a time, n_steps 64 x "
                     "n_envs 8")
    assert last.startswith("512/300 steps: return ")


@pytest.mark.parametrize(("settings", "line"), [
    ({"n_steps": 512, "n_envs": 8, "total_steps": 2048}, "4096 steps are trained for the 2048 .* by 4096 at .*"),
    ({"train_freq": 256, "n_envs": 1, "total_steps": 100}, "256 steps are trained .*, train_freq 256 x n_envs 1"),
    ({"n_steps": 16, "n_envs": 16, "total_steps": 100_000}, ""),             # 100096
    ({"n_steps": 16, "n_envs": 16, "total_steps": 256}, "")])
def test_a_few_steps_more_are_not_worth_a_line(settings, line):
    found = "\n".join(remarks.rounded_up(settings))
    assert re.fullmatch(line, found)


def test_a_target_that_is_reached_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(supervisor.Player, "play", lambda self, act, seeds: [30.0] * len(seeds))
    train(TrainConfig("CartPole-v1", tmp_path / "run", steps=4096,
                      settings={**SETTINGS, "target_return": 25, "eval_every": 512}))
    assert capsys.readouterr().err.splitlines()[-1] == (
        "the target return 25 is reached, and confirmed over 10 episodes: training ends after 512 of 4096 steps")


def test_the_table_ends_where_training_does(tmp_path):
    result = train(TrainConfig("CartPole-v1", tmp_path / "run", steps=3000, settings=SETTINGS))
    assert rows(tmp_path / "run") == [2048, result["trained_timesteps"]] == [2048, 3072]
    last = (tmp_path / "run" / "train" / "progress.csv").read_text().splitlines()[-1]
    evaluations = json.loads((tmp_path / "run" / "train" / "evaluations.json").read_text())
    assert f",{evaluations[-1]['mean_return']}" in last


class Fixed(gym.Env):
    """Feature 0 varies by ``spread``; the others are what they are."""

    def __init__(self, spread, others, length=10):
        self.spread, self.others, self.length = spread, others, length
        self.observation_space = spaces.Box(-np.inf, np.inf, (1 + len(others),), np.float32)
        self.action_space = spaces.Discrete(2)

    def observe(self):
        return np.array([self.np_random.uniform(-1, 1) * self.spread, *self.others], np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self.observe(), {}

    def step(self, action):
        self.steps += 1
        return self.observe(), 1.0, self.steps >= self.length, False, {}


@pytest.mark.parametrize("envs", [1, 3])
@pytest.mark.parametrize(("spread", "others", "constant"), [
    (1.0, (), []), (1.0, (0.0,), [1]), (1e-4, (5.0, 0.1, -1e6), [1, 2, 3]), (0.0, (3e38,), [0, 1])])
def test_constant_features_are_found(envs, spread, others, constant):
    """Whatever their value: it weighs against the mean 0 from which statistics start."""
    made = FoldedVecNormalize(DummyVecEnv([lambda: Fixed(spread, others)] * envs))
    made.reset()
    for _ in range(200):
        made.step(np.zeros(envs, int))
    assert made.constant_features() == constant


@pytest.mark.parametrize("others", [(0.0,), (1.0, 7.0), (0.0,) * 12])
def test_constant_features_are_warned_of(tmp_path, capsys, others):
    gym.register("Fixed-v0", lambda **_: Fixed(1.0, others))
    try:
        train(TrainConfig("Fixed-v0", tmp_path / "run", steps=1024, settings=SETTINGS))
    finally:
        gym.registry.pop("Fixed-v0")
    names = ", ".join(str(1 + i) for i in range(min(len(others), 8))) + " and 4 more" * (len(others) > 8)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"warning: of the observation, feature {names} never changed in training: its scale is ")
