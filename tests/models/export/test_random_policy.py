import numpy as np
import pytest
import torch

from quarl.host import policy
from quarl.host.policy import codec, integer
from quarl.models.actors import fast_forward
from quarl.models.actors.bits import Bits
from quarl.models.export.random_policy import random_actor, random_package, random_policy


def test_equal_arguments_give_equal_policies_and_leave_the_random_state():
    state = torch.get_rng_state()
    one, other = random_policy((4, 9, 2), Bits(4, 4), 5)[1], random_policy((4, 9, 2), Bits(4, 4), 5)[1]
    assert torch.equal(torch.get_rng_state(), state)
    assert one.hash == other.hash != random_policy((4, 9, 2), Bits(4, 4), 6)[1].hash


@pytest.mark.parametrize("bits", [Bits(2, 2, 2), Bits(4, 4, 8), Bits(8, 8, 8), Bits(4, 4, 8, per_channel=True)])
def test_codes_spread_over_their_range(bits):
    made = random_policy((8, 64, 64, 4), bits, 0)[1]
    x = np.random.default_rng(1).normal(size=(2000, 8)).astype(np.float32)
    steps = integer.trace(made, codec.encode(made, x))
    for _, codes in steps[:-1]:
        share = np.bincount(codes.ravel(), minlength=2 ** bits.act) / codes.size
        assert (share > 0).all() and share[-1] < 0.1
    assert len(np.unique(steps[-1][0].argmax(axis=1))) > 1


def test_biases_are_not_zero():
    assert all(float(layer.bias.detach().abs().max()) > 0 for layer in random_actor((3, 4, 2), Bits(4, 4), 0).linears)


@pytest.mark.parametrize("bits", [Bits(3, 4, 5), Bits(3, 4, 5, per_channel=True)])
def test_package(bits, tmp_path):
    folder = random_package((3, 5, 2), bits, 7, tmp_path / "package")
    read = policy.read(folder)
    assert read.hash == random_policy((3, 5, 2), bits, 7)[1].hash
    assert (read.task, read.observation_shape, read.head) == ("random", (3,), "argmax")
    assert (folder / "policy.onnx").stat().st_size > 0


def test_the_first_actor_of_a_process_is_as_any_other():
    fast_forward._covered.cache_clear()
    first, second = random_actor((3, 5, 2), Bits(3, 3, 4), 7), random_actor((3, 5, 2), Bits(3, 3, 4), 7)
    assert all(map(torch.equal, first.parameters(), second.parameters()))
