"""The contract over devices on a model of the bridge: what the host's side does, without any RTL."""
import dataclasses

import numpy as np
import pytest

from quarl.host.accelerator import native
from quarl.host.devices.integer import IntegerDevice
from quarl.host.devices.pynq import PynqDevice
from quarl.host.policy import ActionSpace
from tests.device_contract import DeviceContract
from tests.host.devices import pynq_shim
from tests.host.devices.bridge_model import BridgeModel, ModelDevice, describe
from tests.host.helpers import random_policy

NETS = {"4 bits": ([5, 7, 3], 4, "argmax", 0), "8 bits": ([7, 6, 2], 8, "clip", 0),
        "3 bits": ([11, 4, 5], 3, "tanh", 0), "actions from 1": ([5, 7, 3], 4, "argmax", 1),
        "actions from -9": ([4, 6, 3], 8, "argmax", -9)}


@pytest.fixture(scope="module", params=NETS.values(), ids=NETS)
def policy(request):
    sizes, bits, head, start = request.param
    policy, outputs, rng = random_policy(sizes, 4, 3, bits, seed=0), sizes[-1], np.random.default_rng(0)
    action = (ActionSpace("discrete", outputs, start=start) if head == "argmax"
              else ActionSpace("box", 0, (-1.0,) * outputs, (2.0,) * outputs))
    scales = {name: rng.normal(0, 0.1, size).astype(np.float32) for name, size in (
        ("encode_offset", sizes[0]), ("decode_scale", outputs), ("decode_bias", outputs))}
    return dataclasses.replace(policy, action=action, head=head, **scales)


@pytest.fixture(params=["integer in C", "integer in numpy", "bridge", "pynq in C", "pynq in Python"])
def make(request, policy, tmp_path, monkeypatch):
    model = BridgeModel(policy, describe(policy, tmp_path))
    if request.param == "integer in numpy":
        monkeypatch.setattr(native, "compiled", lambda: None)
    if request.param.startswith("integer"):
        return lambda: IntegerDevice(policy)
    if request.param == "bridge":
        return lambda: ModelDevice(policy, tmp_path, model)
    (tmp_path / "accel.bit").write_bytes(b"bits")
    pynq_shim.install(monkeypatch, pynq_shim.Board(model))
    use = pynq_shim.step_in_c if request.param == "pynq in C" else pynq_shim.step_in_python
    use(monkeypatch)
    return lambda: PynqDevice(policy, tmp_path)


class TestDevices(DeviceContract):
    pass
