import gymnasium as gym
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback

from quarl.host.errors import UserError
from quarl.models.actors.bits import Bits
from quarl.models.actors.numpy_actor import FloatActor, IntegerActor, numpy_actor
from quarl.models.export.random_policy import random_actor
from quarl.models.sb3.integer_rollouts import IntegerRollouts
from quarl.models.sb3.policies import QuantActorCriticPolicy
from quarl.models.tasks.normalise import FoldedVecNormalize
from quarl.models.tasks.vec_env import MonitoredVecEnv
from tests.models.strategies import bits, seeds


class FastPPO(IntegerRollouts, PPO):
    pass


class FastA2C(IntegerRollouts, A2C):
    pass


class Counter(BaseCallback):
    """Counts its calls, and stops at step ``stop``."""

    def __init__(self, stop=None):
        super().__init__()
        self.stop, self.started, self.steps, self.ended, self.actions = stop, 0, 0, 0, []

    def _on_rollout_start(self):
        self.started += 1

    def _on_step(self):
        self.steps += 1
        self.actions.append(self.locals["actions"].copy())
        return self.steps != self.stop

    def _on_rollout_end(self):
        self.ended += 1


def make(algorithm, task, bits, seed=1):
    torch.set_num_threads(1)
    # Episodes are shorter than a rollout, so that time limits are met.
    venv = FoldedVecNormalize(MonitoredVecEnv([lambda: gym.make(task, max_episode_steps=7)] * 3))
    more = {"batch_size": 48} if issubclass(algorithm, PPO) else {}
    return algorithm(QuantActorCriticPolicy, venv, n_steps=16, seed=seed, device="cpu", gamma=0.9,
                     policy_kwargs={"bits": bits, "net_arch": [16, 16]}, **more)


def rollout(model, callback=None):
    _, callback = model._setup_learn(10 ** 6, callback)
    whole = model.collect_rollouts(model.env, callback, model.rollout_buffer, model.n_steps)
    return whole, model.rollout_buffer


@settings(max_examples=25, deadline=None)
@given(bits, bits, bits, seeds, st.booleans())
def test_integer_actor_equals_the_deployed_torch_actor_to_the_last_bit(weight, act, into, seed, per_channel):
    actor = random_actor((5, 17, 9, 3), Bits(weight, act, into, per_channel), seed).eval()
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(300, 5, generator=random) * 4
    # Inputs on and next to the ties of the input quantiser.
    ties = (torch.randint(-300, 300, (300, 5), generator=random) + 0.5) * actor.input_scale
    x = torch.cat([x, ties, torch.nextafter(ties, torch.tensor(9e9))])
    with torch.no_grad():
        np.testing.assert_array_equal(IntegerActor(actor)(x.numpy()), actor(x).numpy())


def test_an_actor_is_a_copy():
    actor = random_actor((4, 8, 2), Bits(4, 4), 0).eval()
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    copied = numpy_actor(actor)
    before = copied(x)
    with torch.no_grad():
        for parameter in actor.parameters():
            parameter.mul_(1.5)
    np.testing.assert_array_equal(copied(x), before)
    assert not np.array_equal(numpy_actor(actor)(x), before)


def test_float_actor_is_close_to_torch_and_refuses_other_layers():
    network = torch.nn.Sequential(torch.nn.Linear(4, 9), torch.nn.ReLU(), torch.nn.Linear(9, 3))
    x = torch.randn(50, 4)
    actor = numpy_actor(network)
    assert isinstance(actor, FloatActor)
    np.testing.assert_allclose(actor(x.numpy()), network(x).detach().numpy(), atol=1e-6)
    network[1] = torch.nn.Tanh()
    with pytest.raises(UserError, match=r"alternate Linear and ReLU, Linear first, found Tanh. Fix: use a multi-layer"):
        numpy_actor(network)


@pytest.mark.parametrize("algorithm", [FastPPO, FastA2C])
@pytest.mark.parametrize("task", ["CartPole-v1", "Pendulum-v1"])
@pytest.mark.parametrize("bits", [Bits(4, 3, 6), None], ids=str)
def test_the_buffer_is_stable_baselines3s_for_the_same_actions(algorithm, task, bits):
    ours, theirs = make(algorithm, task, bits), make(algorithm.__bases__[1], task, bits)
    counter = Counter()
    whole, filled = rollout(ours, counter)
    forced = iter(counter.actions)

    def act(observations):
        actions = torch.from_numpy(next(forced))
        values, log_probs, _ = theirs.policy.evaluate_actions(observations, actions)
        return actions, values, log_probs
    theirs.policy.forward = act
    _, expected = rollout(theirs)
    assert whole and filled.full and filled.pos == expected.pos
    for name in ("observations", "actions", "episode_starts"):
        np.testing.assert_array_equal(getattr(filled, name), getattr(expected, name), err_msg=name)
    assert expected.episode_starts.sum() > 3
    for name in ("rewards", "values", "log_probs", "advantages", "returns"):
        a, b = getattr(filled, name), getattr(expected, name)
        assert a.dtype == b.dtype and a.shape == b.shape, name
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5, err_msg=name)
    assert ours.num_timesteps == theirs.num_timesteps == 48
    np.testing.assert_array_equal(ours._last_obs, theirs._last_obs)
    np.testing.assert_array_equal(ours._last_episode_starts, theirs._last_episode_starts)
    episodes = [[(e["r"], e["l"]) for e in model.ep_info_buffer] for model in (ours, theirs)]
    assert episodes[0] == episodes[1] and len(episodes[0]) >= 6


def test_discrete_actions_follow_the_softmax():
    model = make(FastPPO, "CartPole-v1", None)
    outputs = np.array([[0.3, -0.9]], np.float32).repeat(20000, axis=0)
    actions, performed = model._sample(outputs, model._noise(20000, 1)[:, 0])
    assert performed is actions
    assert actions.mean() == pytest.approx(1 / (1 + np.exp(1.2)), abs=0.01)


def test_box_actions_are_gaussian_and_clipped_where_performed():
    model = make(FastPPO, "Pendulum-v1", None)
    with torch.no_grad():
        model.policy.log_std.fill_(0.5)
    actions, performed = model._sample(np.full((20000, 1), 0.7, np.float32), model._noise(20000, 1)[:, 0])
    assert actions.dtype == np.float32
    assert actions.mean() == pytest.approx(0.7, abs=0.04) and actions.std() == pytest.approx(np.exp(0.5), abs=0.04)
    np.testing.assert_array_equal(performed, actions.clip(-2, 2))
    assert np.abs(actions).max() > 2


def test_a_callback_sees_every_step_and_can_stop():
    counter = Counter()
    rollout(make(FastPPO, "CartPole-v1", None), counter)
    assert (counter.started, counter.steps, counter.ended) == (1, 16, 1)
    counter = Counter(stop=5)
    whole, _ = rollout(make(FastPPO, "CartPole-v1", None), counter)
    assert not whole and (counter.steps, counter.ended) == (5, 0)


def test_the_seed_fixes_training_and_reseeding_repeats_the_numbers(tmp_path):
    models = [make(FastPPO, "CartPole-v1", Bits(4, 4)).learn(200) for _ in range(2)]
    for a, b in zip(*(m.policy.parameters() for m in models), strict=True):
        assert torch.equal(a, b)
    model = models[0]
    model.save(tmp_path / "model.zip")
    loaded = FastPPO.load(tmp_path / "model.zip", device="cpu")
    for each in (model, loaded):
        each.set_random_seed(77)
    np.testing.assert_array_equal(model._noise(4, 3), loaded._noise(4, 3))
    assert not np.array_equal(model._noise(4, 3), make(FastPPO, "CartPole-v1", None, seed=2)._noise(4, 3))
