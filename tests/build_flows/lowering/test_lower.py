"""FINN's view of a policy is held to the package, and its execution equals the integer reference."""
import dataclasses

import numpy as np
import pytest
import torch

from quarl.build_flows.building import subject
from quarl.build_flows.building.parity import compare, reference
from quarl.build_flows.estimate.shape import Folding
from quarl.build_flows.lowering import lower as lowering
from quarl.build_flows.lowering.session import finn_session
from quarl.host import policy as package
from quarl.host.errors import MismatchError, UserError
from quarl.host.policy import ActionSpace
from quarl.hw.boards import board
from quarl.models.actors.bits import Bits
from quarl.models.export.integer_program import extract
from quarl.models.export.package import qonnx_bytes
from quarl.models.export.random_policy import random_actor

BOARD = board("pynq-z2")


def lower(what, folding, folder, engine="rom"):
    with finn_session(folder / "finn"):
        lowered = lowering.lower(what.policy, what.onnx, folding, BOARD, folder / "finn", engine)
        codes = np.random.default_rng(0).integers(*what.policy.input_range, (500, what.policy.features),
                                                  endpoint=True)
        return lowered, codes, lowering.execute(lowered.golden, codes)


@pytest.mark.parametrize(("dims", "bits", "folding"), [
    ((5, 17, 3), Bits(2, 2, 2), [Folding(17, 5), Folding(1, 17)]),
    ((8, 64, 64, 4), Bits(4, 4, 8), [Folding(4, 8), Folding(4, 8), Folding(4, 8)]),
    ((3, 7, 1), Bits(8, 8, 8), [Folding(7, 1), Folding(1, 7)]),
    ((1, 1, 2), Bits(3, 6, 5), [Folding(1, 1), Folding(2, 1)]),
])
def test_finns_execution_equals_the_reference(dims, bits, folding, tmp_path):
    what = subject.random(dims, bits, 7, tmp_path / "policy", 10)
    lowered, codes, outputs = lower(what, folding, tmp_path)
    assert compare("FINN", reference(what.policy, codes), outputs, codes)["mismatches"] == 0
    observation, action = lowered.geometry.observation, lowered.geometry.action
    assert (observation.lanes, observation.beats) == (folding[0].simd, dims[0] // folding[0].simd)
    assert observation.bits == bits.input and observation.signed and action.signed
    assert (action.lanes, action.beats) == (folding[-1].pe, dims[-1] // folding[-1].pe)


def changed(change, bits, folder):
    """A random 5-17-3 network whose layers ``change`` has been applied to."""
    actor = random_actor((5, 17, 3), bits, 7)
    with torch.no_grad():
        for layer in actor.linears:
            change(layer)
    scale = np.full(5, 1 / actor.input_scale, np.float32)
    policy = extract(actor, scale, np.zeros_like(scale), (5,), ActionSpace("discrete", 3), "random", "random", {})
    package.write(policy, folder / "policy", qonnx_bytes(actor))
    return subject.Subject(policy, folder / "policy" / "policy.onnx", np.zeros((1, 5), np.float32), 0, lambda x: [])


def test_a_network_without_biases_lowers_too(tmp_path):
    """Exporters drop biases that are all zero, as those of an untrained policy are."""
    what = changed(lambda layer: layer.bias.zero_(), Bits(4, 4, 8), tmp_path)
    _, codes, outputs = lower(what, [Folding(17, 5), Folding(3, 17)], tmp_path)
    assert compare("FINN", reference(what.policy, codes), outputs, codes)["mismatches"] == 0


@pytest.mark.parametrize(("change", "weights", "engine"), [
    (lambda layer: layer.weight.abs_(), {0, 1}, "dsp"), (lambda layer: layer.weight.abs_().neg_(), {-1, 0}, "rom")],
    ids=["no negative", "no positive"])
def test_weights_of_few_values_lower_too(change, weights, engine, tmp_path):
    """FINN takes the least type that holds them, and its RTL unit none that is unsigned or of one bit."""
    what = changed(change, Bits(2, 2, 8), tmp_path)
    assert all(set(layer.weights.flat) == weights for layer in what.policy.layers)
    _, codes, outputs = lower(what, [Folding(17, 5), Folding(3, 17)], tmp_path, engine)
    assert compare("FINN", reference(what.policy, codes), outputs, codes)["mismatches"] == 0


def test_a_layer_of_zeros_is_refused(tmp_path):
    what = changed(lambda layer: layer.weight.zero_(), Bits(2, 2, 8), tmp_path)
    with pytest.raises(UserError, match=r"every layer that is built must have a weight other than 0, found none in "
                                        r"layer 0\. Fix: train again"):
        lower(what, [Folding(17, 5), Folding(3, 17)], tmp_path)


def test_another_weight_in_the_package_is_found(tmp_path):
    what = subject.random((5, 17, 3), Bits(4, 4, 8), 7, tmp_path / "policy", 10)
    weights = what.policy.layers[1].weights.copy()
    weights[2, 11] = -weights[2, 11] if weights[2, 11] else 1
    layers = (what.policy.layers[0], dataclasses.replace(what.policy.layers[1], weights=weights))
    altered = dataclasses.replace(what, policy=dataclasses.replace(what.policy, layers=layers))
    with pytest.raises(MismatchError, match=r"layer 1, channel 2, input 11: FINN's weight must be the package's "):
        lower(altered, [Folding(1, 1), Folding(1, 1)], tmp_path)


def test_another_input_width_is_found(tmp_path):
    what = subject.random((5, 17, 3), Bits(4, 4, 8), 7, tmp_path / "policy", 10)
    altered = dataclasses.replace(what, policy=dataclasses.replace(what.policy, input_bits=6))
    with pytest.raises(MismatchError, match=r"policy\.onnx must have the package's signed 6-bit input, found 8 bits"):
        lower(altered, [Folding(1, 1), Folding(1, 1)], tmp_path)


def test_the_packages_thresholds_are_the_ones_that_finn_sees(tmp_path):
    what = subject.random((5, 17, 3), Bits(4, 4, 8), 7, tmp_path / "policy", 10)
    thresholds = what.policy.layers[0].thresholds + 1
    layers = (dataclasses.replace(what.policy.layers[0], thresholds=thresholds), what.policy.layers[1])
    altered = dataclasses.replace(what, policy=dataclasses.replace(what.policy, layers=layers))
    _, codes, outputs = lower(altered, [Folding(1, 1), Folding(1, 1)], tmp_path)
    assert compare("FINN", reference(altered.policy, codes), outputs, codes)["mismatches"] == 0


def test_the_session_leaves_the_environment_as_it_was(tmp_path, monkeypatch):
    import os
    monkeypatch.setenv("FINN_BUILD_DIR", "elsewhere")
    before = dict(os.environ)
    with finn_session(tmp_path):
        assert os.environ["FINN_BUILD_DIR"] == str(tmp_path)
    assert dict(os.environ) == before
