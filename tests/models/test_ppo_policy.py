import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from models.actor import QuantActor
from models.bits import Bits
from models.ppo_policy import QuantActorCriticPolicy

OBSERVED = spaces.Box(-5, 5, (4,))


def make(bits, action=None):
    torch.manual_seed(0)
    return QuantActorCriticPolicy(OBSERVED, action or spaces.Discrete(3), lambda _: 1e-3, bits=bits)


def test_only_the_deployed_path_is_quantised():
    policy = make(Bits(4, 3, 6))
    assert isinstance(policy.actor, QuantActor) and policy.actor.dims == (4, 64, 64, 3)
    assert policy.actor.bits == Bits(4, 3, 6)
    critic = [*policy.mlp_extractor.value_net, policy.value_net]
    assert [type(m) for m in critic] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]


def test_starts_from_the_fp32_initialisation():
    quantised, plain = make(Bits(4, 4)), make(None)
    layers = [m for m in plain.actor if isinstance(m, nn.Linear)]
    for ours, theirs in zip(quantised.actor.linears, layers, strict=True):
        assert torch.equal(ours.weight, theirs.weight)


def test_fp32_is_stable_baselines3s_own():
    policy = make(None)
    torch.manual_seed(0)
    plain = ActorCriticPolicy(OBSERVED, spaces.Discrete(3), lambda _: 1e-3, activation_fn=nn.ReLU)
    x = torch.randn(5, 4)
    assert torch.equal(policy.actor(x), plain.action_net(plain.mlp_extractor.policy_net(x)))


@pytest.mark.parametrize("bits", [Bits(4, 4), None])
@pytest.mark.parametrize("action", [spaces.Discrete(3), spaces.Box(-1, 1, (2,))])
def test_the_optimiser_holds_every_parameter_once(bits, action):
    policy = make(bits, action)
    held = [id(p) for group in policy.optimizer.param_groups for p in group["params"]]
    named = [id(p) for _, p in policy.named_parameters()]
    assert sorted(held) == sorted(named) == sorted(id(p) for p in policy.parameters())


@pytest.mark.parametrize("bits", [Bits(2, 5, 3), None])
def test_save_and_load(tmp_path, bits):
    policy = make(bits)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(0.1)
    policy.save(tmp_path / "policy.pt")
    loaded = QuantActorCriticPolicy.load(tmp_path / "policy.pt")
    x = torch.randn(20, 4)
    assert loaded.bits == bits
    assert torch.equal(loaded.actor.eval()(x), policy.actor.eval()(x))
    assert torch.equal(loaded.predict_values(x), policy.predict_values(x))


def test_training_and_rollouts_see_the_same_policy():
    policy, x = make(Bits(4, 4)), torch.randn(500, 4)
    policy.set_training_mode(True)
    trained = policy.get_distribution(x).distribution.logits
    policy.set_training_mode(False)
    assert torch.allclose(policy.get_distribution(x).distribution.logits, trained, atol=1e-3)
