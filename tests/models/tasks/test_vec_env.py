import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from quarl.models.tasks.normalise import FoldedVecNormalize
from quarl.models.tasks.vec_env import MonitoredVecEnv


def both(task, count, **options):
    ours = MonitoredVecEnv([lambda: gym.make(task, **options)] * count)
    theirs = DummyVecEnv([lambda: Monitor(gym.make(task, **options))] * count)
    for venv in (ours, theirs):
        venv.seed(5)
    return ours, theirs


def require_equal(ours, theirs):
    for name, a, b in zip(("observations", "rewards", "dones"), ours, theirs, strict=False):
        assert a.dtype == b.dtype, name
        np.testing.assert_array_equal(a, b, err_msg=name)
    for a, b in zip(ours[3], theirs[3], strict=True):
        assert a.keys() == b.keys()
        for key, value in b.items():
            if key == "episode":
                assert (a[key]["r"], a[key]["l"]) == (value["r"], value["l"]) and a[key].keys() == value.keys()
                assert 0 <= a[key]["t"] < 60
            else:
                np.testing.assert_array_equal(a[key], value, err_msg=key)


@pytest.mark.parametrize("task", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
@settings(max_examples=5, deadline=None)
@given(count=st.integers(1, 4), seed=st.integers(0, 99))
def test_equals_monitored_dummy_environments(task, count, seed):
    ours, theirs = both(task, count, max_episode_steps=12)
    np.testing.assert_array_equal(ours.reset(), theirs.reset())
    ours.action_space.seed(seed)
    ended = 0
    for _ in range(40):
        actions = np.array([ours.action_space.sample() for _ in range(count)])
        a, b = ours.step(actions), theirs.step(actions)
        require_equal(a, b)
        ended += a[2].sum()
    assert ended >= count


def test_normalised_alike_with_and_without_rewards():
    for norm_reward in (False, True):
        ours, theirs = (FoldedVecNormalize(venv, norm_reward=norm_reward) for venv in both("CartPole-v1", 3))
        # Stable-Baselines3's own step over the same normalisation
        step_wait = super(FoldedVecNormalize, theirs).step_wait
        np.testing.assert_array_equal(ours.reset(), theirs.reset())
        random = np.random.default_rng(0)
        for _ in range(100):
            actions = random.integers(0, 2, 3)
            theirs.step_async(actions)
            require_equal(ours.step(actions), step_wait())
            np.testing.assert_array_equal(ours.get_original_obs(), theirs.get_original_obs())
            np.testing.assert_array_equal(ours.get_original_reward(), theirs.get_original_reward())
        np.testing.assert_array_equal(ours.obs_rms.mean, theirs.obs_rms.mean)
        np.testing.assert_array_equal(ours.obs_rms.var, theirs.obs_rms.var)
        if norm_reward:
            np.testing.assert_array_equal(ours.ret_rms.var, theirs.ret_rms.var)


def test_what_it_returned_does_not_change_later():
    venv, _ = both("CartPole-v1", 2)
    venv.reset()
    first = venv.step(np.array([0, 1]))
    kept = [part.copy() for part in first[:3]]
    venv.step(np.array([1, 0]))
    for now, then in zip(first[:3], kept, strict=True):
        np.testing.assert_array_equal(now, then)


def test_checks_of_use_are_gone_and_the_time_limit_stays():
    venv, _ = both("CartPole-v1", 1)
    env, kinds = venv.envs[0], []
    while isinstance(env, gym.Wrapper):
        kinds.append(type(env))
        env = env.env
    assert gym.wrappers.TimeLimit in kinds and not {OrderEnforcing, PassiveEnvChecker} & set(kinds)
    venv.reset()
    for invalid in (2, -1):
        with pytest.raises(AssertionError, match="invalid"):
            venv.step(np.array([invalid]))


def test_a_reset_starts_new_episodes():
    venv, _ = both("CartPole-v1", 1, max_episode_steps=3)
    venv.reset()
    venv.step(np.array([0]))
    venv.reset()
    infos = [venv.step(np.array([action]))[3][0] for action in (0, 1, 0)]
    assert infos[-1]["episode"]["l"] == 3 and infos[-1]["episode"]["r"] == 3.0
