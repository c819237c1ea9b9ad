import numpy as np
import onnx
import pytest
import torch
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.gemm_to_matmul import GemmToMatMul

from quarl.host import policy as package
from quarl.host.errors import UserError
from quarl.models.actors.bits import Bits
from quarl.models.export.package import export_run, policy_of, qonnx_bytes
from quarl.models.export.random_policy import random_policy
from quarl.models.runs.run_folder import load_run
from quarl.models.training.train import TrainConfig, train


@pytest.fixture(scope="module", params=[((4, 9, 7, 2), Bits(4, 3, 8)), ((3, 5), Bits(2, 2, 2))])
def exported(request):
    actor, policy = random_policy(*request.param, 0)
    return actor, policy, ModelWrapper(onnx.load_model_from_string(qonnx_bytes(actor)))


def run(model, x):
    name = model.graph.input[0].name
    return np.concatenate([execute_onnx(model, {name: row[None]})[model.graph.output[0].name] for row in x])


def test_runs_in_qonnx(exported):
    actor, _, model = exported
    x = np.random.default_rng(0).normal(size=(20, actor.dims[0])).astype(np.float32)
    with torch.no_grad():
        np.testing.assert_allclose(run(model, x), actor(torch.from_numpy(x)).numpy(), atol=1e-4)


def test_integer_weights_equal_the_packages(exported):
    _, policy, model = exported
    found = []
    for node in model.graph.node:
        values = model.get_initializer(node.input[0]) if node.op_type == "Quant" else None
        if values is not None:
            scale, _, bits = (model.get_initializer(name) for name in node.input[1:])
            top = 2 ** (int(bits) - 1) - 1
            found.append(np.clip(np.rint(values / scale), -top, top).astype(np.int8))
    assert len(found) == len(policy.layers)
    for weights, layer in zip(found, policy.layers, strict=True):
        np.testing.assert_array_equal(weights, layer.weights)


def test_is_self_contained_and_becomes_matmuls(exported):
    actor, _, model = exported
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    x = np.random.default_rng(0).normal(size=(3, actor.dims[0])).astype(np.float32)
    before = run(model, x)
    lowered = model.transform(GemmToMatMul())
    assert "Gemm" not in {node.op_type for node in lowered.graph.node}
    np.testing.assert_allclose(run(lowered, x), before, atol=1e-5)


def test_export_leaves_the_actor_alone():
    actor, _ = random_policy((3, 4, 2), Bits(4, 4), 0)
    actor.train()
    qonnx_bytes(actor)
    assert actor.training and actor.linears[0].weight.requires_grad


def test_export_run(tiny_run):
    folder = export_run(tiny_run)
    assert folder == tiny_run / "policy"
    read, run = package.read(folder), load_run(tiny_run)
    assert read.hash == policy_of(run).hash
    assert (read.task, read.algo, read.input_bits) == ("CartPole-v1", "ppo", 6)
    assert read.provenance["seed"] == 3
    assert read.provenance["result"] == run.result
    assert {"torch", "brevitas"} <= set(read.provenance["versions"])


def test_fp32_cannot_be_exported(tmp_path):
    train(TrainConfig("CartPole-v1", tmp_path / "fp32", steps=256))
    with pytest.raises(UserError, match=r"only a run quantised to integers can be exported, found an fp32 run in .*"
                                        r"without --fp32, or quantise it with `quarl ptq`"):
        export_run(tmp_path / "fp32")
