import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings

from quarl.host.policy import ActionSpace, integer, validate
from quarl.models.actors.bits import Bits
from quarl.models.export import integer_program as ex
from quarl.models.export.random_policy import random_actor, random_policy
from quarl.models.tasks.spaces import action_space
from tests.models.strategies import all_bits, seeds


@settings(max_examples=25, deadline=None)
@given(all_bits, seeds)
def test_thresholds_count_the_trained_code_at_every_accumulator(bits, seed):
    actor = random_actor((3, 4, 2), bits, seed)
    stage, activation = actor.stages()[0], actor.activations[0]
    table = ex.thresholds(activation, stage, 2 ** bits.act - 1)
    bounds = stage.channel_bounds().numpy()
    widest = int(bounds.max())
    acc = np.arange(-widest, widest + 1)
    with torch.no_grad():
        value = activation(stage.preactivation(torch.from_numpy(acc)[:, None].expand(-1, 4)))
    code = torch.round(value / activation.act_quant.scale()).detach().numpy()
    for channel, bound in enumerate(bounds):
        inside = np.abs(acc) <= bound
        counted = np.searchsorted(table[channel], acc[inside], "right")
        np.testing.assert_array_equal(counted, code[inside, channel])


def test_thresholds_never_and_always_reached():
    actor = random_actor((3, 2, 2), Bits(3, 2, 4), 0)
    with torch.no_grad():
        actor.linears[0].bias.copy_(torch.tensor([1e6, -1e6]))
    stage = actor.stages()[0]
    bound = stage.channel_bounds().numpy()
    table = ex.thresholds(actor.activations[0], stage, 3)
    assert table.dtype == np.int32 and table.shape == (2, 3)
    assert (table[0] == -bound[0]).all() and (table[1] == bound[1] + 1).all()


def test_policy_is_valid_and_complete():
    actor, policy = random_policy((5, 7, 3), Bits(2, 3, 4), 0)
    validate(policy)
    assert [layer.weight_bits for layer in policy.layers] == [2, 2]
    assert [layer.act_bits for layer in policy.layers] == [3, None]
    assert policy.input_bits == 4 and policy.head == "argmax"
    np.testing.assert_array_equal(policy.decode_bias, actor.linears[-1].bias.detach().numpy())


def test_layers_of_different_widths():
    """Deployed actor, trained modules and integers are one program, whatever width each layer has."""
    actor, policy = random_policy((5, 9, 9, 3), Bits((8, 3, 6), (5, 2), 4), 0)
    validate(policy)
    assert [(layer.weight_bits, layer.act_bits) for layer in policy.layers] == [(8, 5), (3, 2), (6, None)]
    assert [int(abs(layer.weights.astype(int)).max()) for layer in policy.layers] == [127, 3, 31]
    x = torch.randn(500, 5, generator=torch.Generator().manual_seed(0)) * 2
    codes = actor.encode(x).numpy().astype(np.int64)
    found = [each.numpy() for step in actor.trace(x) for each in step if each is not None]
    expected = [each for step in integer.trace(policy, codes) for each in step if each is not None]
    for have, want in zip(found, expected, strict=True):
        np.testing.assert_array_equal(have, want)
    deployed = actor(x)
    actor.train()
    torch.testing.assert_close(actor(x), deployed, rtol=1e-4, atol=1e-4)


def test_a_box_is_clipped():
    low, high = np.array([-2.0, -1.0], np.float32), np.array([2.0, 1.0], np.float32)
    action = action_space(spaces.Box(low, high))
    assert action == ActionSpace("box", low=(-2.0, -1.0), high=(2.0, 1.0))
    assert ex.head("ppo", action) == ex.head("a2c", action) == "clip"
    assert ex.head("ddpg", action) == ex.head("td3", action) == ex.head("sac", action) == "tanh"


@pytest.mark.parametrize("algo", ["ppo", "a2c", "dqn"])
def test_a_discrete_action_is_the_largest_output(algo):
    assert ex.head(algo, ActionSpace("discrete", 3)) == "argmax"


def test_an_off_policy_box_is_squashed():
    actor = random_actor((3, 4, 2), Bits(4, 4), 0)
    box = ActionSpace("box", low=(-2.0, -1.0), high=(2.0, 1.0))
    policy = ex.extract(actor, np.ones(3), np.zeros(3), (3,), box, "task", "sac", {})
    validate(policy)
    assert policy.head == "tanh"


def test_every_channel_has_its_own_scale():
    actor, policy = random_policy((5, 7, 3), Bits(3, 3, 4, per_channel=True), 0)
    validate(policy)
    last, before = actor.linears[-1].quant_weight().scale.detach().flatten(), actor.stages()[0].act_scale
    assert policy.decode_scale.dtype == np.float32 and len(np.unique(policy.decode_scale)) == 3
    np.testing.assert_array_equal(policy.decode_scale, (last * before).numpy())
    np.testing.assert_array_equal(np.abs(policy.layers[0].weights).max(axis=1), 3)


def test_unsupported_actions():
    with pytest.raises(ValueError, match=r"actions must be Discrete or a one-dimensional Box, found MultiBinary"):
        action_space(spaces.MultiBinary(3))
