"""The actor of pixels: equal to Brevitas in training and to the integer reference when deployed."""
import copy

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from torch import nn

from quarl.host import policy
from quarl.host.errors import UserError
from quarl.host.policy import ActionSpace, codec, integer
from quarl.models.actors.bits import Bits
from quarl.models.actors.convolutional import QuantConvActor, layers
from quarl.models.actors.fast_forward import Forward
from quarl.models.actors.quantisers import Pixels
from quarl.models.export.integer_program import extract
from quarl.models.export.package import qonnx_bytes
from tests.models.strategies import bits, seeds

SHAPE, FILTERS, DENSE = (3, 14, 12), ((5, 4, 2), (6, 3, 1)), (9, 4)
pixel_bits = st.builds(Bits, bits, bits, st.just(8), st.booleans())


def random_actor(seed, bits, shape=SHAPE, filters=FILTERS, dense=DENSE):
    """An actor whose hidden codes spread over their range."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        actor = QuantConvActor(shape, filters, dense, bits)
        for layer in actor.linears:
            layer.weight.mul_(3)
            layer.bias.normal_(std=0.3)
    return actor.eval()


def pixels(seed, n, shape=SHAPE):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), np.uint8)


def policy_of(actor):
    empty = np.empty(0, np.float32)
    found = extract(actor, empty, empty, actor.input_shape, ActionSpace("discrete", actor.dims[-1]), "t", "ppo", {})
    policy.validate(found)
    return found


def assert_parity(actor, x):
    found, expected = actor.trace(torch.from_numpy(x)), integer.trace(policy_of(actor), x.reshape(len(x), -1))
    for (acc, codes), (acc_torch, codes_torch) in zip(expected, found, strict=True):
        np.testing.assert_array_equal(acc, acc_torch.numpy())
        assert (codes is None) == (codes_torch is None)
        if codes is not None:
            np.testing.assert_array_equal(codes, codes_torch.numpy())
    values, actions = codec.decode(policy_of(actor), expected[-1][0])
    with torch.no_grad():
        output = actor(torch.from_numpy(x))
        assert torch.equal(actor.output(actor.hidden(torch.from_numpy(x))), output)
    np.testing.assert_array_equal(values.view(np.int32), output.numpy().view(np.int32))
    np.testing.assert_array_equal(actions, output.argmax(dim=1))


@settings(max_examples=12, deadline=None)
@given(pixel_bits, seeds)
def test_deployed_actor_equals_the_integer_reference(bits, seed):
    actor = random_actor(seed, bits)
    x = pixels(seed, 20)
    assert torch.equal(actor.encode(torch.from_numpy(x)), torch.from_numpy(x).float())
    assert len(np.unique(actor.trace(torch.from_numpy(x))[0][1].numpy())) > 2
    assert_parity(actor, x)


@pytest.mark.parametrize(("shape", "filters", "dense"), [
    ((1, 3, 5), ((2, 3, 1),), (2,)),                            # one window high, and no hidden dense layer
    ((70, 9, 9), ((3, 8, 1), (40, 2, 3)), (3,)),                # sums that pass float32, with either stride
    ((70, 17, 17), ((3, 8, 2),), (30, 3)),
    ((4, 84, 84), ((16, 8, 4), (32, 4, 2)), (128, 6))])
def test_parity_of_shapes(shape, filters, dense):
    actor = random_actor(0, Bits(8, 8), shape, filters, dense)
    with torch.no_grad():
        for layer in actor.linears:
            layer.weight.copy_(torch.where(layer.weight > 0, 1.0, -1.0))
            layer.weight[0] = 1
    assert any(stage.weights.dtype == torch.float64 for stage in actor.stages()) == (shape != (1, 3, 5))
    x = pixels(1, 6, shape)
    x[0], x[1] = 255, 0
    assert_parity(actor, x)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("width", [2, 5, 8])
def test_training_equals_brevitas(width, per_channel):
    actor = random_actor(width, Bits(width, width, 8, per_channel)).train()
    assert not any(type(forward) is Forward for forward in actor._forwards)
    brevitas = nn.Sequential(*copy.deepcopy(actor)).train()
    x = torch.from_numpy(pixels(0, 30))
    found, expected = actor(x), brevitas(x)
    assert torch.equal(found, expected)
    grad = torch.randn(found.shape, generator=torch.Generator().manual_seed(0))
    found.backward(grad)
    expected.backward(grad)
    for (name, ours), theirs in zip(actor.named_parameters(), brevitas.parameters(), strict=True):
        assert ours.grad.any() and torch.equal(ours.grad, theirs.grad), name
    with torch.no_grad():
        assert torch.equal(actor(x), found)
        assert (actor.eval()(x) - found).abs().amax(dim=1).quantile(0.5) < 1e-4


def test_from_float_copies_what_it_computes():
    """With 8 bits the quantised network is close to the fp32 one, which divides the pixels by 255."""
    torch.manual_seed(0)
    network = nn.Sequential(*layers(SHAPE, FILTERS, DENSE, nn.ReLU, nn.Conv2d, nn.Linear)[:-1])
    assert isinstance(network[0], Pixels)
    actor = QuantConvActor.from_float(network, Bits(8, 8))
    assert actor.input_shape == SHAPE and actor.dims == (504, 5, 6, 9, 4)
    for source, layer in zip([m for m in network if hasattr(m, "weight")], actor.linears, strict=True):
        assert torch.equal(source.weight, layer.weight) and torch.equal(source.bias, layer.bias)
    x = torch.from_numpy(pixels(0, 50))
    with torch.no_grad():
        expected = network(x)
        assert (actor.eval()(x) - expected).abs().max() < 0.05 * expected.abs().max()


def test_a_qonnx_model_of_pixels():
    actor = random_actor(0, Bits(4, 3))
    model = ModelWrapper(onnx.load_from_string(qonnx_bytes(actor)))
    name = model.graph.input[0].name
    assert model.get_tensor_shape(name) == [1, *SHAPE] and model.get_tensor_datatype(name) == DataType["UINT8"]
    for x in pixels(0, 5)[:, None]:
        found = execute_onnx(model, {name: x.astype(np.float32)})[model.graph.output[0].name]
        np.testing.assert_allclose(found, actor(torch.from_numpy(x)).detach(), atol=1e-5)


def test_input_bits_that_pixels_do_not_have():
    with pytest.raises(UserError, match=r"pixels must have 8 input bits, found 6\. Fix: use --input-bits 8"):
        QuantConvActor(SHAPE, FILTERS, DENSE, Bits(4, 4, 6))


def test_a_kernel_that_does_not_fit():
    with pytest.raises(UserError, match=r"a kernel must fit into its input of 6 x 5, found 7\. Fix: .*net_arch"):
        QuantConvActor(SHAPE, ((5, 4, 2), (6, 7, 1)), DENSE, Bits(4, 4))
