"""One conversion for every algorithm: what is deployed is quantised, all else is Stable-Baselines3's own."""
import copy

import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv
from torch import nn

from quarl.models.actors.bits import Bits
from quarl.models.actors.quantised import QuantActor
from quarl.models.ptq.quantise import activation_limits
from quarl.models.sb3.algorithms import ALGORITHMS, create
from quarl.models.sb3.policies import convert
from quarl.models.tasks.normalise import FoldedVecNormalize
from quarl.models.tasks.presets import preset
from quarl.models.tasks.spaces import make_env

TASKS = {"ppo": "CartPole-v1", "a2c": "Pendulum-v1", "dqn": "CartPole-v1", "ddpg": "Pendulum-v1", "td3": "Pendulum-v1",
         "sac": "Pendulum-v1"}
TARGETS = {"dqn": lambda p: p.q_net_target.q_net, "ddpg": lambda p: p.actor_target.mu[0],
           "td3": lambda p: p.actor_target.mu[0]}
BITS = Bits(4, 3, 6)


def make(algo, bits=BITS, **changes):
    settings = {**preset(algo, TASKS[algo]), "n_envs": 1, "net_arch": [16, 16], "buffer_size": 500,
                "learning_starts": 20, "batch_size": 16, "n_steps": 16, "train_freq": 8, "gradient_steps": 2, **changes}
    known = preset(algo, TASKS[algo])
    settings = {key: value for key, value in settings.items() if key in known}
    venv = FoldedVecNormalize(DummyVecEnv([lambda: make_env(TASKS[algo])]), 6)
    return create(algo, settings, venv, bits, seed=0)


@pytest.fixture(params=ALGORITHMS)
def algo(request):
    return request.param


def test_only_the_deployed_path_is_quantised(algo):
    policy = make(algo).policy
    quantised = [m for m in policy.modules() if isinstance(m, QuantActor)]
    targets = [TARGETS[algo](policy)] if algo in TARGETS else []
    assert [id(m) for m in quantised] == [id(policy.deployed), *map(id, targets)]
    size = 2 if TASKS[algo].startswith("CartPole") else 1
    assert policy.deployed.dims == (*policy.observation_space.shape, 16, 16, size)
    assert policy.deployed.bits == policy.bits == BITS


def test_starts_from_the_fp32_initialisation(algo):
    quantised, plain = make(algo).policy, make(algo, None).policy
    layers = [m for m in plain.deployed if isinstance(m, nn.Linear)]
    for ours, theirs in zip(quantised.deployed.linears, layers, strict=True):
        assert torch.equal(ours.weight, theirs.weight) and torch.equal(ours.bias, theirs.bias)
    if algo in TARGETS:
        assert all(map(torch.equal, TARGETS[algo](quantised).parameters(), quantised.deployed.parameters()))


def test_fp32_is_stable_baselines3s_own(algo):
    model = make(algo, None)
    plain = ALGORITHMS[algo].policy.__mro__[2]
    assert plain.__module__.startswith("stable_baselines3")
    kwargs = {k: v for k, v in model.policy_kwargs.items() if k not in ("bits", "use_sde")}
    model.set_random_seed(0)
    ours = ALGORITHMS[algo].policy(model.observation_space, model.action_space, lambda _: 1e-3, bits=None, **kwargs)
    model.set_random_seed(0)
    theirs = plain(model.observation_space, model.action_space, lambda _: 1e-3, activation_fn=nn.ReLU, **kwargs)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert all(map(torch.equal, ours.state_dict().values(), theirs.state_dict().values()))


def test_the_optimiser_holds_every_parameter_of_the_path_once(algo):
    policy = make(algo).policy
    holder, module = policy._optimised()
    held = [id(p) for group in holder.optimizer.param_groups for p in group["params"]]
    assert held == [id(p) for p in module.parameters()]
    assert len(set(held)) == len(held) and {id(p) for p in policy.deployed.parameters()} <= set(held)


def test_every_parameter_of_the_path_learns(algo):
    model = make(algo)
    before = copy.deepcopy(list(model.policy.deployed.parameters()))
    model.learn(64)
    for old, new in zip(before, model.policy.deployed.parameters(), strict=True):
        assert not torch.equal(old, new)


def test_save_and_load(algo, tmp_path):
    model = make(algo, Bits(2, 5, 3))
    model.learn(48)
    model.save(tmp_path / "model.zip")
    loaded = ALGORITHMS[algo].model.load(tmp_path / "model.zip")
    assert loaded.policy.bits == Bits(2, 5, 3)
    ours, theirs = model.get_parameters(), loaded.get_parameters()
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)
    x = torch.randn(20, *model.observation_space.shape)
    assert torch.equal(loaded.policy.deployed.eval()(x), model.policy.deployed.eval()(x))


def test_a_converted_model_is_as_one_made_so(algo, tmp_path):
    model = make(algo, None)
    model.learn(48)
    fp32 = [p.clone() for layer in model.policy.deployed if isinstance(layer, nn.Linear) for p in layer.parameters()]
    moments = [s["exp_avg"] for s in model.policy._optimised()[0].optimizer.state.values()]
    limits = activation_limits(model.policy.deployed, torch.randn(50, *model.observation_space.shape))
    convert(model, BITS, limits)
    weights = [p for layer in model.policy.deployed.linears for p in (layer.weight, layer.bias)]
    assert all(map(torch.equal, fp32, weights))
    assert [float(next(a.parameters()).detach()) for a in model.policy.deployed.activations] == pytest.approx(limits)
    kept = model.policy._optimised()[0].optimizer.state
    assert sorted(id(s["exp_avg"]) for s in kept.values()) == sorted(map(id, moments))
    model.learn(48, reset_num_timesteps=False)
    model.save(tmp_path / "model.zip")
    assert ALGORITHMS[algo].model.load(tmp_path / "model.zip").policy.bits == BITS


def test_training_and_rollouts_see_the_same_policy(algo):
    policy = make(algo).policy
    x = torch.randn(500, *policy.observation_space.shape)
    trained, deployed = policy.deployed.train()(x), policy.deployed.eval()(x)
    assert torch.allclose(deployed, trained, atol=1e-3)


def test_sacs_spread_reads_the_quantised_hidden_layers():
    actor = make("sac").policy.actor
    x = torch.randn(30, 3)
    mean, log_std, _ = actor.get_action_dist_params(x)
    assert torch.equal(mean, actor.latent_pi.actor(x))
    assert torch.equal(log_std, actor.log_std(actor.latent_pi.actor.hidden(x)).clamp(-20, 2))
    assert isinstance(actor.log_std, nn.Linear)


def test_discrete_and_box_actions_of_a_policy_gradient():
    for space, size in ((spaces.Discrete(3), 3), (spaces.Box(-1, 1, (2,)), 2)):
        policy = ALGORITHMS["ppo"].policy(spaces.Box(-5, 5, (4,)), space, lambda _: 1e-3, bits=BITS)
        assert policy.deployed.dims == (4, 64, 64, size)
