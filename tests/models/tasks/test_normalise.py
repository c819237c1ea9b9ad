import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from quarl.host.policy import ActionSpace, codec
from quarl.models.actors.bits import Bits
from quarl.models.export.integer_program import extract
from quarl.models.export.random_policy import random_actor
from quarl.models.runs import normaliser_file
from quarl.models.tasks.normalise import CLIP, FoldedVecNormalize
from quarl.models.tasks.spaces import make_env
from tests.models.strategies import bits, seeds


class Still(gym.Env):
    """An environment that only has spaces."""

    def __init__(self, n):
        self.observation_space = spaces.Box(-np.inf, np.inf, (n,), np.float32)
        self.action_space = spaces.Discrete(2)


def normaliser(n, input_bits, mean, var):
    made = FoldedVecNormalize(DummyVecEnv([lambda: Still(n)]), input_bits)
    made.training = False
    made.obs_rms.mean, made.obs_rms.var = np.asarray(mean), np.asarray(var)
    return made


def adversarial(made, random):
    """Observations whose codes sit on rounding ties, saturate, underflow or overflow, and their neighbours."""
    a, b = made.fold()
    n = len(a)
    codes = random.integers(-300, 300, (200, n)) + random.choice([0, 0.5], (200, n))
    ties = ((codes - b) / a).astype(np.float32)
    extreme = np.array([0.0, -0.0, 1e-45, -1e-40, 1e-30, 3e38, -3e38, 65504.0], np.float32)[:, None].repeat(n, axis=1)
    return np.concatenate([ties, np.nextafter(ties, np.float32(9e9)), np.nextafter(ties, np.float32(-9e9)), extreme,
                           random.normal(made.obs_rms.mean, 3 * np.sqrt(made.obs_rms.var), (300, n))]
                          ).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), bits, seeds, st.floats(-12, 12), st.floats(-1e4, 1e4))
def test_codes_equal_the_hosts_on_every_observation(n, input_bits, seed, spread, centre):
    random = np.random.default_rng(seed)
    made = normaliser(n, input_bits, centre * random.normal(size=n), 10.0 ** (spread * random.random(n)))
    observations = adversarial(made, random)
    actor = random_actor((n, 2), Bits(4, 4, input_bits), 0)
    policy = extract(actor, *made.fold(), (n,), ActionSpace("discrete", 2), "still", "ppo", {})
    normalised = made.normalize_obs(observations)
    assert normalised.dtype == np.float32
    expected = codec.encode(policy, observations)
    np.testing.assert_array_equal(actor.encode(torch.from_numpy(normalised)).numpy(), expected)
    by_brevitas = actor[0](torch.from_numpy(normalised)).numpy() / np.float32(actor.input_scale)
    np.testing.assert_array_equal(by_brevitas, expected)


def test_float64_observations_are_rounded_first_as_the_host_does():
    made = normaliser(1, 8, [0.1], [2.0])
    observations = np.random.default_rng(0).normal(size=(1000, 1))
    np.testing.assert_array_equal(made.normalize_obs(observations), made.normalize_obs(observations.astype(np.float32)))


def test_close_to_vecnormalize_and_clipped():
    made = normaliser(2, 8, [1.0, -3.0], [4.0, 0.25])
    plain = VecNormalize(made.venv, training=False, clip_obs=CLIP)
    plain.obs_rms = made.obs_rms
    observations = np.random.default_rng(0).normal(0, 30, (500, 2)).astype(np.float32)
    np.testing.assert_allclose(made.normalize_obs(observations), plain.normalize_obs(observations), atol=2e-5)
    assert np.abs(made.normalize_obs(observations)).max() == CLIP


@pytest.mark.parametrize("norm_reward", [False, True, "sign"])
def test_its_file_holds_all_of_it(norm_reward):
    def played(made, steps):
        made.reset()
        return [made.step(np.array([step % 2]))[:2] for step in range(steps)]

    def fresh():
        venv = DummyVecEnv([lambda: make_env("CartPole-v1")])
        venv.seed(3)
        return venv
    made = FoldedVecNormalize(fresh(), 6, norm_reward, 1)
    played(made, 50)
    data = normaliser_file.dump(made)
    alone, going_on = normaliser_file.load(data, envs=2), normaliser_file.load(data, fresh())
    assert (alone.num_envs, alone.observation_space, alone.action_space) == (
        2, made.observation_space, made.action_space)
    for loaded in (alone, going_on):
        for ours, theirs in zip(made.fold(), loaded.fold(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    made.venv.seed(3)
    np.testing.assert_equal(played(made, 30), played(going_on, 30))
    for ours, theirs in ((made.obs_rms, going_on.obs_rms), (made.ret_rms, going_on.ret_rms)):
        np.testing.assert_equal(vars(ours), vars(theirs))
    assert normaliser_file.dump(going_on) == normaliser_file.dump(made) != data
    going_on.training = False
    assert not normaliser_file.load(normaliser_file.dump(going_on)).training


def test_its_file_is_of_one_task():
    data = normaliser_file.dump(normaliser(3, 8, [0.0] * 3, [1.0] * 3))
    with pytest.raises(ValueError, match=r"observations Box\(-inf, inf, \(3,\), float32\), actions Discrete\(2\), and "
                                         r"of the task Box\(.*\(4,\)"):
        normaliser_file.load(data, DummyVecEnv([lambda: make_env("CartPole-v1")]))


@pytest.mark.parametrize("input_bits", range(2, 9))
def test_clip_never_changes_a_code(input_bits):
    made = normaliser(1, input_bits, [0.0], [1.0])
    assert (2 ** (input_bits - 1)) * made.input_scale < CLIP


@pytest.mark.parametrize("norm_reward", [False, True])
def test_steps_are_those_of_vecnormalize(norm_reward):
    def played(wrap):
        venv = wrap(DummyVecEnv([lambda: make_env("CartPole-v1") for _ in range(3)]))
        venv.seed(0)
        yield venv.reset()
        for step in range(80):
            observations, rewards, dones, infos = venv.step(np.full(3, step % 2))
            yield observations
            yield rewards
            yield dones.astype(float)
            yield from (info["terminal_observation"] for info in infos if "terminal_observation" in info)
        yield venv.obs_rms.mean, venv.obs_rms.var, np.full(4, venv.ret_rms.var if norm_reward else 0.0)
    ours = played(lambda venv: FoldedVecNormalize(venv, 8, norm_reward, 0.9))
    theirs = played(lambda venv: VecNormalize(venv, norm_reward=norm_reward, clip_obs=CLIP, gamma=0.9))
    ended = 0
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, atol=2e-5)
        ended += np.shape(mine) == (4,)
    assert ended > 3
