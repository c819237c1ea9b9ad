"""The cheap training forwards equal Brevitas to the last bit: outputs and every gradient."""
import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import all_bits, dims, seeds
from torch import nn

from models.bits import Bits
from models.random_policy import random_actor


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


@settings(max_examples=25, deadline=None)
@given(dims, all_bits, seeds, st.integers(1, 300))
def test_equals_brevitas(dims, bits, seed, batch):
    torch.manual_seed(seed)
    assert_same_training_step(random_actor(dims, bits, seed), 2 * torch.randn(batch, dims[0]))


def test_equals_brevitas_at_the_size_that_trains():
    torch.manual_seed(0)
    assert_same_training_step(random_actor((4, 64, 64, 2), Bits(4, 4), 0), torch.randn(256, 4))


@pytest.mark.parametrize("bits", [Bits(2, 2, 2), Bits(8, 8, 8)])
def test_corner_cases(bits):
    """Several weights share the maximum, a layer is all zero, a learned limit is negative, a batch saturates."""
    torch.manual_seed(0)
    actor = random_actor((3, 6, 5, 4, 2), bits, 0)
    with torch.no_grad():
        weight = actor.linears[0].weight
        weight.clamp_(-weight.abs().max() / 2, weight.abs().max() / 2)
        actor.linears[1].weight.zero_()
        next(actor.activations[0].parameters()).mul_(-1)
        next(actor.activations[2].parameters()).mul_(1e-3)
    assert_same_training_step(actor, 5 * torch.randn(64, 3))
