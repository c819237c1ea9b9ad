import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from quarl.host.errors import UserError
from quarl.host.policy import ActionSpace, codec, integer
from quarl.models.actors.bits import Bits
from quarl.models.actors.quantised import QuantActor
from quarl.models.export.integer_program import extract
from quarl.models.export.random_policy import random_actor, random_policy
from tests.models.strategies import all_bits, bits, dims, seeds


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


def test_stages_are_equal_by_content():
    actor = random_actor((4, 9, 2), Bits(4, 4), 5)
    first, again = actor.stages(), copy.deepcopy(actor).stages()
    assert first[0].weights is not again[0].weights and list(first) == list(again) and set(first) == set(again)
    assert first[0] != first[1] and len(set(first)) == 2


def policy_of(actor):
    """The policy of an actor that normalises nothing."""
    scale = np.full(actor.dims[0], 1 / actor.input_scale, np.float32)
    return extract(actor, scale, 0 * scale, (actor.dims[0],), ActionSpace("discrete", actor.dims[-1]), "t", "ppo", {})


@pytest.mark.parametrize("dims", [(1100, 9, 2), (2, 600, 3)])
@pytest.mark.parametrize("per_channel", [False, True])
def test_parity_of_wide_layers_whose_sums_pass_float32(dims, per_channel):
    actor = random_actor(dims, Bits(8, 8, 8, per_channel), 0)
    with torch.no_grad():
        for layer in actor.linears:
            layer.weight.copy_(torch.where(layer.weight > 0, 1.0, -1.0))
    assert any(stage.weights.dtype == torch.float64 for stage in actor.stages())
    x = np.random.default_rng(0).normal(0, 3, (50, dims[0])).astype(np.float32)
    assert_parity(actor, policy_of(actor), x)


@pytest.mark.parametrize("dims", [(1, 1), (1, 1, 1), (3, 5, 2)])
@pytest.mark.parametrize("per_channel", [False, True])
def test_parity_with_a_zero_layer_and_signed_zeros(dims, per_channel):
    actor = random_actor(dims, Bits(2, 2, 2, per_channel), 1)
    with torch.no_grad():
        actor.linears[-1].weight.zero_()
        actor.linears[-1].bias.fill_(-0.0)
    x = np.linspace(-3, 3, 50 * dims[0], dtype=np.float32).reshape(-1, dims[0])
    assert_parity(actor, policy_of(actor), x)


@pytest.mark.parametrize("dims", [(4, 3), (4, 9, 3), (4, 9, 8, 3)])
@pytest.mark.parametrize("per_channel", [False, True])
def test_the_hidden_activations_are_the_last_layers_input(dims, per_channel):
    """Off-policy actors read them twice: for the mean, which is deployed, and for its spread, which is not."""
    actor = random_actor(dims, Bits(4, 8, 8, per_channel), 0)
    x = 2 * torch.randn(200, 4)
    step = actor.stages()[-2].act_scale if len(dims) > 2 else actor.input_scale
    with torch.no_grad():
        for mode in (False, True):
            hidden = actor.train(mode).hidden(x)
            assert hidden.dtype == torch.float32 and hidden.shape == (200, dims[-2])
            assert torch.equal((hidden / step).round() * step, hidden)
            assert torch.equal(actor.output(hidden), actor(x))


def test_the_deployed_actor_is_exact_under_autocast():
    actor = random_actor((5, 64, 64, 3), Bits(8, 8), 0)
    x = torch.randn(100, 5)
    expected, hidden, trace = actor(x), actor.hidden(x), actor.trace(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(actor(x), expected) and torch.equal(actor.output(actor.hidden(x)), expected)
        assert torch.equal(actor.hidden(x), hidden)
        assert all(torch.equal(a, b) for (a, _), (b, _) in zip(actor.trace(x), trace, strict=True))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("per_channel", [False, True])
def test_a_gpu_gives_the_same_numbers(per_channel):
    actor = random_actor((5, 64, 64, 3), Bits(6, 6, 8, per_channel), 0)
    x = torch.randn(500, 5)
    expected, gpu = actor(x), copy.deepcopy(actor).cuda()
    assert torch.equal(gpu(x.cuda()).cpu(), expected)
    assert policy_of(gpu).hash == policy_of(actor).hash
    gpu.train()(x.cuda()).sum().backward()
    assert all(p.grad.isfinite().all() for p in gpu.parameters())
    assert torch.equal(gpu.cpu().eval()(x), expected)


@settings(max_examples=40, deadline=None)
@given(bits, st.floats(2 ** -10, 50, width=32), seeds)
def test_activation_formula_equals_the_brevitas_module(act_bits, limit, seed):
    actor = QuantActor((1, 1, 1), Bits(4, act_bits)).eval()
    module = actor.activations[0]
    with torch.no_grad():
        next(module.parameters()).fill_(limit)
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


def test_a_loaded_state_is_trained_and_deployed():
    """The learned limits of the loaded state take part in both modes, in the parameters that an optimiser holds."""
    policy = nn.ModuleDict({"actor": random_actor((3, 4, 2), Bits(4, 4), 0)})
    other = random_actor((3, 4, 2), Bits(4, 4), 1)
    held, x = list(policy.parameters()), torch.randn(5, 3)
    policy.load_state_dict({f"actor.{name}": value for name, value in other.state_dict().items()})
    assert all(a is b for a, b in zip(held, policy.parameters(), strict=True))
    for mode in (False, True):
        assert torch.equal(policy["actor"].train(mode)(x), other.train(mode)(x))


def test_cache_survives_a_move():
    actor = random_actor((3, 4, 2), Bits(4, 4), 0)
    x = torch.randn(5, 3)
    before, stages = actor(x), actor.stages()
    assert torch.equal(actor.to("cpu")(x), before) and actor.stages() is not stages


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
