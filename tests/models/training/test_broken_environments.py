"""Environments that cannot be learned from: the first number that is wrong ends training, with its own error."""
import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from quarl.host.errors import UserError
from quarl.models.runs.run_folder import load_run
from quarl.models.training.train import TrainConfig, train

ID = "Broken-v0"
SETTINGS = {"net_arch": [8], "n_envs": 2, "n_steps": 16, "batch_size": 16, "learning_starts": 20, "train_freq": 4,
            "eval_episodes": 2, "target_return": None}


class Broken(gym.Env):
    """Observations of [-1, 1], from step ``since`` on with ``value`` in feature 1; then ``reward``, too."""

    def __init__(self, value=0.5, since=0, reward=1.0, length=20, kind=np.float32, box=None):
        self.observation_space = spaces.Box(-np.inf, np.inf, (3,), kind)
        self.action_space = box if box is not None else spaces.Discrete(2)
        self.value, self.since, self.reward, self.length = value, since, reward, length

    def observe(self):
        seen = self.np_random.uniform(-1, 1, 3)
        if self.steps >= self.since:
            seen[1] = self.value
        return seen if self.observation_space.dtype == np.float64 else np.array(seen, np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self.observe(), {}

    def step(self, action):
        self.steps += 1
        return (self.observe(), self.reward if self.steps > self.since else 1.0, self.steps >= self.length, False, {})


@pytest.fixture
def start(tmp_path):
    def run(algo="ppo", steps=320, **broken):
        gym.register(ID, lambda **_: Broken(**broken))
        from quarl.models.tasks.presets import preset
        known = preset(algo, ID, {"total_steps": 1})
        settings = {name: value for name, value in SETTINGS.items() if name in known}
        return train(TrainConfig(ID, tmp_path / "run", algo, None, steps=steps, device="cpu", settings=settings))
    yield run
    gym.registry.pop(ID, None)


@pytest.mark.filterwarnings("ignore:.*(overflow|invalid value) encountered in cast")     # the environment's own
@pytest.mark.parametrize("algo", ["ppo", "a2c", "dqn"])
@pytest.mark.parametrize(("broken", "found"), [
    ({"value": np.nan, "since": 7}, "nan"), ({"value": np.inf}, "inf"), ({"value": -np.inf, "since": 20}, "-inf"),
    ({"value": 1e39, "since": 3, "kind": np.float64}, "inf")])
def test_an_observation_that_is_not_finite_is_the_error_that_runs_have(start, tmp_path, algo, broken, found):
    """In the first observation, within an episode, and in its last one."""
    with pytest.raises(UserError, match=rf"^an observation must be finite, found {found} in feature 1\. Fix: check the "
                                        r"environment or the sensor that feeds the policy\.$"):
        start(algo, **broken)
    assert not (tmp_path / "run" / "config.yaml").exists() and not (tmp_path / "run" / "train").exists()


@pytest.mark.parametrize("algo", ["ppo", "a2c", "dqn"])
@pytest.mark.parametrize(("reward", "found"), [(float("nan"), "nan"), (-float("inf"), "-inf"), (1e39, r"1e\+39")])
def test_a_reward_that_is_not_finite_has_an_error_of_its_own(start, algo, reward, found):
    with pytest.raises(UserError, match=rf"^a reward must be finite, and within float32, found {found} in step 4 of an "
                                        r"episode\. Fix: check the environment\.$"):
        start(algo, reward=reward, since=4)


def test_an_evaluation_asks_the_same_of_rewards(start, monkeypatch):
    monkeypatch.setattr("quarl.models.tasks.vec_env.finite", lambda reward, step: 1.0)
    with pytest.raises(UserError, match=r"a reward must be finite, .* found nan in step 2 of an episode"):
        start(reward=float("nan"), since=2)


@pytest.mark.parametrize("algo", ["ppo", "dqn"])
@pytest.mark.parametrize("value", [1e20, 1e25, -3e38])
def test_a_huge_feature_is_learned_as_any_other(start, tmp_path, algo, value):
    """It fits into float32, and its square does not."""
    start(algo, value=value, since=10)
    statistics = load_run(tmp_path / "run").normaliser.obs_rms
    assert np.isfinite(statistics.var).all()
    assert np.sqrt(statistics.var[1]) == pytest.approx(abs(value) / 2, rel=0.1)


@pytest.mark.parametrize(("algo", "box", "message"), [
    ("ppo", spaces.Box(-np.inf, np.inf, (2,)), r"must have finite bounds, low < high, in float32, found low -inf, high "
     r"inf in dimension 0\. Fix: give it finite bounds, in the task's action space\."),
    ("sac", spaces.Box(np.float32([-1, 0]), np.float32([1, np.inf])), r"found low 0, high inf in dimension 1\."),
    ("a2c", spaces.Box(-1e300, 1e300, (1,), np.float64), r"found low -1e\+300, high 1e\+300 in dimension 0\."),
    ("ppo", spaces.Box(-3e38, 3e38, (1,)), r"found low -3e\+38, high 3e\+38 in dimension 0\."),
    ("td3", spaces.Box(np.float32([-1, -1, 4]), np.float32([1, 1, 4])),
     r"found low 4, high 4 in dimension 2\. Fix: give it a range, or leave it out, in the task's action space\."),
    ("ppo", spaces.Box(np.array([1.0]), np.array([1.0 + 1e-12]), dtype=np.float64), r"in dimension 0\. Fix: give it a"),
    ("ppo", spaces.Box(0, 10, (2,), np.int64), r"a Box of actions must be of float32: .*, found Box\(0, 10, \(2,\), "
     r"int64\)\. Fix: make the task's actions Discrete, or a Box of float32 that the environment rounds\."),
    ("ddpg", spaces.Box(0, 255, (1,), np.uint8), r"a Box of actions must be of float32"),
])
def test_action_boxes_that_cannot_work_are_refused_before_anything_is_written(start, tmp_path, algo, box, message):
    with pytest.raises(UserError, match=message):
        start(algo, box=box)
    assert not (tmp_path / "run").exists()


def test_low_above_high_is_refused(start, tmp_path):
    box = spaces.Box(-1, 1, (2,))
    box.low[1] = 3
    with pytest.raises(UserError, match=r"found low 3, high 1 in dimension 1\."):
        start("sac", box=box)
    assert not (tmp_path / "run").exists()
