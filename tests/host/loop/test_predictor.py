"""Stable-Baselines3's own evaluation takes a device as it is, and finds the returns of the run."""
import gymnasium
import numpy as np
import pytest
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from quarl.host.devices.integer import IntegerDevice
from quarl.host.environments.seeds import EVALUATION, episode_seeds
from quarl.host.errors import UserError
from quarl.host.loop.predictor import Predictor
from quarl.host.policy import ActionSpace, codec
from tests.host.helpers import box_policy, random_codes, refused
from tests.host.loop.closed_loop import Clocked, cartpole_policy, of, pendulum_policy, play


class Seeded(gymnasium.Wrapper):
    """Plays episodes ``first``, ``first + step`` and so on of a run, and a few that no one counts."""

    def __init__(self, env, first, step):
        super().__init__(env)
        self.seeds = iter(episode_seeds(EVALUATION, 0, 20)[first::step])

    def reset(self, **_):
        return self.env.reset(seed=next(self.seeds))


@pytest.mark.parametrize("envs", [1, 2])
@pytest.mark.parametrize("policy", [cartpole_policy(), pendulum_policy()], ids=lambda policy: policy.task)
def test_evaluate_policy_finds_the_returns_of_the_run(tmp_path, policy, envs):
    _, log = play(tmp_path / "log", policy, episodes=4)
    expected = [episode["return"] for episode in of("episode", log)]
    venv = DummyVecEnv([lambda i=i: Monitor(Seeded(gymnasium.make(policy.task), i, envs)) for i in range(envs)])
    with Clocked(policy) as device:
        found, lengths = evaluate_policy(Predictor(device), venv, 4, return_episode_rewards=True)
        assert set(device.batches) == ({envs} if envs > 1 else set())
    assert sorted(found) == pytest.approx(sorted(expected), abs=1e-6)
    assert sorted(lengths) == sorted(episode["length"] for episode in of("episode", log))
    if envs == 1:
        plain = Seeded(gymnasium.make(policy.task), 0, 1)
        with IntegerDevice(policy) as device:
            mean, std = evaluate_policy(Predictor(device), plain, 4, warn=False)
        assert (mean, std) == pytest.approx((np.mean(expected), np.std(expected)))


@pytest.mark.parametrize(("policy", "dtype", "shape"), [(cartpole_policy(), np.int64, ()),
                                                        (cartpole_policy(action=ActionSpace("discrete", 2, start=-1)),
                                                         np.int64, ()),
                                                        (pendulum_policy(), np.float32, (1,)),
                                                        (box_policy(), np.float32, (2,))])
def test_one_observation_and_a_batch(policy, dtype, shape):
    observations = random_codes(policy, 5, 0).astype(np.float32)
    state = object()
    with IntegerDevice(policy) as device:
        actions, after = Predictor(device).predict(observations, state, np.ones(5, bool), deterministic=False)
        expected = codec.decode(policy, np.array([r.accumulators for r in device.step_many(
            codec.encode(policy, observations))]))[1]
        assert np.array_equal(actions, expected) and actions.dtype == dtype and actions.shape == (5, *shape)
        assert after is state
        for observation, action in zip(observations, actions, strict=True):
            alone, _ = Predictor(device).predict(observation)
            assert np.array_equal(alone, action) and alone.dtype == dtype and alone.shape == shape
            row, _ = Predictor(device).predict(observation[None])
            assert np.array_equal(row, action[None])


def test_an_observation_that_does_not_fit():
    with IntegerDevice(cartpole_policy()) as device, refused(
            UserError, "an observation must have the shape (4,)", "shape (3,)",
            "use the task that the policy was trained on, CartPole-v1"):
        Predictor(device).predict(np.zeros(3))
