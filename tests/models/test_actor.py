import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import all_bits, bits, dims, seeds
from torch import nn

from host import codec, integer
from host.errors import UserError
from host.policy import ActionSpace
from models.actor import QuantActor
from models.bits import Bits
from models.extract import extract
from models.quantisers import hidden_activation
from models.random_policy import random_actor, random_policy


def assert_parity(actor, policy, x):
    """The deployed torch actor equals the integer reference: accumulators, codes, and outputs bit for bit."""
    expected = integer.trace(policy, codec.encode(policy, x))
    found = actor.trace(torch.from_numpy(x))
    assert len(found) == len(expected)
    for (acc, codes), (acc_torch, codes_torch) in zip(expected, found, strict=True):
        np.testing.assert_array_equal(acc, acc_torch.numpy())
        assert (codes is None) == (codes_torch is None)
        if codes is not None:
            np.testing.assert_array_equal(codes, codes_torch.numpy())
    values, actions = codec.decode(policy, expected[-1][0])
    with torch.no_grad():
        output = actor(torch.from_numpy(x)).numpy()
    assert output.dtype == np.float32
    np.testing.assert_array_equal(values.view(np.int32), output.view(np.int32))
    np.testing.assert_array_equal(actions, output.argmax(axis=1))


@settings(max_examples=40, deadline=None)
@given(dims, all_bits, seeds)
def test_deployed_actor_equals_the_integer_reference(dims, bits, seed):
    actor, policy = random_policy(dims, bits, seed)
    x = np.random.default_rng(seed).normal(0, 2, (200, dims[0])).astype(np.float32)
    assert_parity(actor, policy, x)


def policy_of(actor):
    """The policy of an actor that normalises nothing."""
    scale = np.full(actor.dims[0], 1 / actor.input_scale, np.float32)
    return extract(actor, scale, 0 * scale, (actor.dims[0],), ActionSpace("discrete", actor.dims[-1]), "t", "ppo", {})


@pytest.mark.parametrize("dims", [(1100, 9, 2), (2, 600, 3)])
def test_parity_of_wide_layers_whose_sums_pass_float32(dims):
    actor = random_actor(dims, Bits(8, 8, 8), 0)
    with torch.no_grad():
        for layer in actor.linears:
            layer.weight.copy_(torch.where(layer.weight > 0, 1.0, -1.0))
    assert any(stage.weights.dtype == torch.float64 for stage in actor.stages())
    x = np.random.default_rng(0).normal(0, 3, (50, dims[0])).astype(np.float32)
    assert_parity(actor, policy_of(actor), x)


@pytest.mark.parametrize("dims", [(1, 1), (1, 1, 1), (3, 5, 2)])
def test_parity_with_a_zero_layer_and_signed_zeros(dims):
    actor = random_actor(dims, Bits(2, 2, 2), 1)
    with torch.no_grad():
        actor.linears[-1].weight.zero_()
        actor.linears[-1].bias.fill_(-0.0)
    x = np.linspace(-3, 3, 50 * dims[0], dtype=np.float32).reshape(-1, dims[0])
    assert_parity(actor, policy_of(actor), x)


@settings(max_examples=40, deadline=None)
@given(bits, st.floats(2 ** -10, 50, width=32), seeds)
def test_activation_formula_equals_the_brevitas_module(act_bits, limit, seed):
    module = hidden_activation(act_bits).eval()
    with torch.no_grad():
        next(module.parameters()).fill_(limit)
    actor = QuantActor((1, 1, 1), Bits(4, act_bits))
    actor[2] = module
    actor.activations[0] = module
    scale, top = module.act_quant.scale().detach(), 2 ** act_bits - 1
    ties = scale * (torch.arange(-2, top + 4) + 0.5)
    near = torch.cat([ties, ties.nextafter(torch.tensor(9e9)), ties.nextafter(torch.tensor(-9e9))])
    random = torch.from_numpy(np.random.default_rng(seed).normal(0, limit, 500).astype(np.float32))
    pre = torch.cat([near, random, torch.tensor([0.0, -0.0, 1e30, -1e30])])
    codes = actor.stages()[0].activate(pre)
    with torch.no_grad():
        expected = module(pre)
    unsigned_zeros = codes + 0.0        # the code of -0.0 is -0.0: as an integer, 0
    assert torch.equal((unsigned_zeros * scale).view(torch.int32), expected.view(torch.int32))


@pytest.mark.parametrize("input_bits", range(2, 9))
def test_input_codes_equal_the_brevitas_module(input_bits):
    actor = QuantActor((1, 1), Bits(4, 4, input_bits))
    x = torch.cat([torch.randn(1000) * 3, torch.arange(-300, 300) * actor.input_scale / 2])[:, None]
    assert torch.equal(actor.encode(x) * actor.input_scale, actor[0](x))


@settings(max_examples=15, deadline=None)
@given(dims, all_bits, seeds)
def test_outputs_are_close_to_the_brevitas_modules(dims, bits, seed):
    """Not equal: float sums round, and a rounded tie may move one code. But no gross difference survives this."""
    actor = random_actor(dims, bits, seed)
    x = torch.randn(100, dims[0], generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        difference = (actor(x) - nn.Sequential(*actor)(x)).abs().amax(dim=1)
    assert float(difference.quantile(0.9)) < 1e-4


@pytest.mark.parametrize("how", [{}, {"foreach": True}, {"fused": True}])
def test_cache_follows_every_optimiser(how):
    actor = random_actor((3, 4, 2), Bits(4, 4), 0)
    x = torch.randn(5, 3)
    stages, before = actor.stages(), actor(x)
    assert actor.stages() is stages
    optimiser = torch.optim.Adam(actor.parameters(), lr=0.1, **how)
    actor.train()(x).square().sum().backward()
    optimiser.step()
    assert not torch.equal(actor.eval()(x), before)
    actor.load_state_dict(random_actor((3, 4, 2), Bits(4, 4), 0).state_dict())
    assert torch.equal(actor(x), before)


def test_cache_follows_a_write_that_torch_does_not_count():
    actor = random_actor((3, 4, 2), Bits(4, 4), 0)
    x = torch.randn(5, 3)
    before = actor(x)
    actor.linears[-1].bias.data.add_(1.0)
    assert torch.allclose(actor(x), before + 1)


def test_a_copy_is_independent():
    actor = random_actor((3, 4, 2), Bits(4, 4), 0)
    x = torch.randn(5, 3)
    before, other = actor(x), copy.deepcopy(actor)
    with torch.no_grad():
        other.linears[0].weight.mul_(-1)
    assert torch.equal(actor(x), before) and not torch.equal(other(x), before)


def test_from_float_copies_weights():
    network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2, bias=False))
    actor = QuantActor.from_float(network, Bits(4, 4))
    assert actor.dims == (3, 5, 4, 2)
    for source, layer in zip(list(network)[::2], actor.linears, strict=True):
        assert torch.equal(source.weight, layer.weight)
    assert torch.equal(actor.linears[0].bias, network[0].bias)
    assert torch.equal(actor.linears[2].bias, torch.zeros(2))


@pytest.mark.parametrize("network", [
    nn.Sequential(nn.Conv2d(1, 1, 1)), nn.Sequential(nn.Linear(2, 2), nn.ReLU()),
    nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 2))])
def test_from_float_rejects_other_networks(network):
    with pytest.raises(UserError, match=r"must alternate Linear and ReLU or Tanh.*use a multi-layer perceptron"):
        QuantActor.from_float(network, Bits(4, 4))
