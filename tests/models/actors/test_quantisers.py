import pytest
import torch
from torch import nn

from quarl.host.errors import UserError
from quarl.models.actors import quantisers

BITS = range(2, 9)


@pytest.mark.parametrize("bits", BITS)
def test_input_scale_is_the_constant_power_of_two(bits):
    scale = quantisers.input_scale(bits)
    assert scale == {2: 1, 3: 1, 4: 1 / 2, 5: 1 / 4, 6: 1 / 8, 7: 1 / 16, 8: 1 / 32}[bits]
    module = quantisers.input_quantiser(bits)
    assert float(module.act_quant.scale()) == scale
    assert not list(module.parameters())


@pytest.mark.parametrize("bits", BITS)
def test_input_codes_use_the_whole_signed_range(bits):
    module = quantisers.input_quantiser(bits)
    top, scale = 2 ** (bits - 1), quantisers.input_scale(bits)
    codes = module(torch.tensor([-1e30, -top * scale, -0.5 * scale, 0.0, 1.5 * scale, 2.5 * scale, 1e30])) / scale
    assert codes.tolist() == [-top, -top, 0, 0, min(2, top - 1), min(2, top - 1), top - 1]


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bits", BITS)
def test_weights_are_narrow_and_use_their_range(bits, per_channel):
    layer = quantisers.linear(40, 30, bits, per_channel)
    with torch.no_grad():
        layer.weight *= torch.linspace(1, 3, 30)[:, None]
    quantised = layer.quant_weight()
    top = 2 ** (bits - 1) - 1
    widest = quantised.int().abs().amax(dim=1)
    assert int(widest.max()) == top and (not per_channel or (widest == top).all())
    assert quantised.scale.shape == ((30, 1) if per_channel else ())


def test_loading_keeps_the_learned_scales_the_same_parameters():
    """An optimiser or a target network's update that holds them must keep working."""
    module, other = nn.Sequential(quantisers.hidden_activation(4)), nn.Sequential(quantisers.hidden_activation(4))
    limit = next(module.parameters())
    with torch.no_grad():
        next(other.parameters()).fill_(3.0)
    module.load_state_dict(other.state_dict())
    assert next(module.parameters()) is limit and float(limit.detach()) == 3.0
    assert torch.equal(module[0].act_quant.scale(), other[0].act_quant.scale())


@pytest.mark.parametrize("bits", BITS)
def test_hidden_codes_use_the_whole_unsigned_range(bits):
    module = quantisers.hidden_activation(bits)
    codes = torch.round(module(torch.tensor([-5.0, 0.0, 1e9])) / module.act_quant.scale())
    assert codes.tolist() == [0, 0, 2 ** bits - 1]


@pytest.mark.parametrize("make", [quantisers.input_quantiser, quantisers.hidden_activation, quantisers.input_scale,
                                  lambda bits: quantisers.linear(2, 2, bits)])
@pytest.mark.parametrize("bits", [1, 9])
def test_bits_are_checked(make, bits):
    with pytest.raises(UserError, match=f"bits must be a whole number from 2 to 8, found {bits}"):
        make(bits)
