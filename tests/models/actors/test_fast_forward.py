"""The cheap forwards equal Brevitas to the last bit: outputs, every gradient, and what is deployed."""
import copy
import functools

import brevitas.nn as qnn
import pytest
import torch
from brevitas.core.restrict_val import RestrictValueType
from brevitas.quant import Int8WeightPerTensorFixedPoint, Int8WeightPerTensorFloat
from brevitas.quant.scaled_int import Uint8ActPerTensorFloatMaxInit
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from quarl.models.actors import quantisers
from quarl.models.actors.bits import Bits
from quarl.models.actors.fast_forward import Forward, forward
from quarl.models.actors.quantised import QuantActor
from quarl.models.export.random_policy import random_actor
from tests.models.strategies import all_bits, dims, seeds

SCHEMES = pytest.mark.parametrize("per_channel", [False, True])


def assert_same_training_step(actor, x):
    actor.train()
    brevitas = nn.Sequential(*copy.deepcopy(actor)).train()
    found, expected = actor(x), brevitas(x)
    assert torch.equal(found.view(torch.int32), expected.view(torch.int32))
    grad = torch.randn_like(found)
    found.backward(grad)
    expected.backward(grad)
    for (name, ours), theirs in zip(actor.named_parameters(), brevitas.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad), name
    with torch.no_grad():
        assert torch.equal(actor(x), found)


def net(dims, bits, seed, coarse):
    """A random actor, its weights if ``coarse`` on a grid, so that many share the maximum of their layer or channel."""
    actor = random_actor(dims, bits, seed)
    with torch.no_grad():
        for layer in actor.linears if coarse else ():
            layer.weight.copy_((layer.weight * layer.in_features ** 0.5).round() / 4)
    return actor


@settings(max_examples=100, deadline=None)
@given(dims, all_bits, seeds, st.integers(1, 300), st.booleans())
def test_equals_brevitas(dims, bits, seed, batch, coarse):
    torch.manual_seed(seed)
    assert_same_training_step(net(dims, bits, seed, coarse), 2 * torch.randn(batch, dims[0]))


@pytest.mark.slow
@SCHEMES
@pytest.mark.parametrize("width", range(2, 9))
def test_equals_brevitas_everywhere(width, per_channel):
    """Random nets at each width and scheme."""
    for seed in range(25):
        torch.manual_seed(seed)
        sizes = torch.randint(1, 70, (int(torch.randint(2, 5, ())),)).tolist()
        actor = net(sizes, Bits(width, width, width, per_channel), seed, seed % 2)
        assert_same_training_step(actor, 2 * torch.randn(int(torch.randint(1, 300, ())), sizes[0]))


@SCHEMES
def test_equals_brevitas_at_the_size_that_trains(per_channel):
    torch.manual_seed(0)
    assert_same_training_step(random_actor((4, 64, 64, 2), Bits(4, 4, 8, per_channel), 0), torch.randn(256, 4))


@SCHEMES
@pytest.mark.parametrize("width", [2, 8])
def test_corner_cases(width, per_channel):
    """Several weights share the maximum, a layer is all zero, a learned limit is negative, a batch saturates."""
    torch.manual_seed(0)
    actor = random_actor((3, 6, 5, 4, 2), Bits(width, width, width, per_channel), 0)
    with torch.no_grad():
        weight = actor.linears[0].weight
        weight.clamp_(-weight.abs().max() / 2, weight.abs().max() / 2)
        actor.linears[1].weight.zero_()
        next(actor.activations[0].parameters()).mul_(-1)
        next(actor.activations[2].parameters()).mul_(1e-3)
    assert_same_training_step(actor, 5 * torch.randn(64, 3))


@SCHEMES
@pytest.mark.parametrize("width", range(2, 9))
def test_deployed_integers_and_scales_equal_brevitas(width, per_channel):
    torch.manual_seed(width)
    layer, act = quantisers.linear(40, 30, width, per_channel), quantisers.hidden_activation(width)
    fast, fast_act = forward(layer), forward(act)
    assert type(fast) is not Forward and type(fast_act) is not Forward
    for factor in (1.0, 3e-3, 1e9, 0.0, 1e-13):
        with torch.no_grad():
            layer.weight.copy_(torch.randn(30, 40) * factor)
            layer.weight[0] = 0
            next(act.parameters()).fill_(factor * 1.7)
            (codes, scale), expected = fast.weight_codes(), layer.quant_weight()
            assert torch.equal(codes * scale, expected.value) and torch.equal(scale, expected.scale)
            assert torch.equal(codes, expected.int(float_datatype=True)) and codes.abs().max() < 2 ** (width - 1)
            assert torch.equal(fast_act.act_scale(), act.act_quant.scale())


_power_of_two = functools.partial(qnn.QuantLinear, bias=True, weight_quant=Int8WeightPerTensorFixedPoint)
_wide = functools.partial(qnn.QuantLinear, bias=True, weight_quant=Int8WeightPerTensorFloat, weight_narrow_range=False)
_signed_log = functools.partial(qnn.QuantReLU, act_quant=Uint8ActPerTensorFloatMaxInit,
                                restrict_scaling_type=RestrictValueType.LOG_FP)


@pytest.mark.parametrize(("name", "make"), [
    ("linear", lambda i, o, bits, per_channel: _power_of_two(i, o, weight_bit_width=bits)),
    ("linear", lambda i, o, bits, per_channel: _wide(i, o, weight_bit_width=bits)),
    ("hidden_activation", lambda bits: _signed_log(bit_width=bits, max_val=2.0))])
def test_an_unknown_quantiser_is_left_to_brevitas(name, make, monkeypatch):
    """Another scale, another range of the integers, another way to learn the limit: equal, not fast."""
    monkeypatch.setattr(quantisers, name, make)
    torch.manual_seed(0)
    actor = QuantActor((4, 12, 9, 3), Bits(3, 4))
    slow = [type(f) is Forward for f in actor._forwards]
    assert slow == [False, *[name == "linear", name != "linear"] * 2, name == "linear"]
    x = torch.randn(50, 4)
    assert_same_training_step(actor, x)
    with torch.no_grad():
        expected = nn.Sequential(*actor)(x)
        assert (actor.eval()(x) - expected).abs().amax(dim=1).quantile(0.9) < 1e-4


@SCHEMES
def test_quantisers_compute_in_fp32_under_autocast(per_channel):
    torch.manual_seed(0)
    actor = random_actor((5, 16, 3), Bits(8, 8, 8, per_channel), 0).train()
    x = torch.randn(64, 5)
    _, first, act, _ = actor._forwards
    weight = first.module.quant_weight().value
    with torch.autocast("cpu", torch.bfloat16):
        product = first(x)
        hidden, output = actor.hidden(x), actor(x)
        assert product.dtype == torch.bfloat16 and hidden.dtype == output.dtype == torch.float32
        assert torch.equal(first._weight(), weight)
        codes, scale = hidden / act.act_scale(), act.act_scale()
        output.square().sum().backward()
    assert (codes - codes.round()).abs().max() < 1e-4 and len(codes.round().unique()) > 100
    assert torch.equal(scale, act.module.act_quant.scale()) and scale.dtype == torch.float32
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() and p.grad.any() for p in actor.parameters())


def test_an_unknown_quantiser_computes_in_fp32_under_autocast(monkeypatch):
    monkeypatch.setattr(quantisers, "linear", lambda i, o, *bits: _power_of_two(i, o, weight_bit_width=bits[0]))
    actor = QuantActor((4, 12, 3), Bits(3, 4))
    x = torch.randn(50, 4)
    expected = actor(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(actor(x), expected)
