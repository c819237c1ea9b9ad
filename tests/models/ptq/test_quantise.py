"""Post-training quantisation: what it makes of an fp32 run, and what it refuses."""
import json
import re

import numpy as np
import pytest
import torch

from quarl.host.errors import UserError
from quarl.host.policy import codec, integer
from quarl.models.actors.bits import Bits
from quarl.models.actors.float16 import HalfActor
from quarl.models.export.package import policy_of
from quarl.models.play.evaluate import evaluate
from quarl.models.play.observations import visited_observations
from quarl.models.ptq.analysis import rollout_observations
from quarl.models.ptq.quantise import PtqConfig, activation_limits, clip_weights, ptq
from quarl.models.runs.run_folder import load_run, read_config
from quarl.models.training.train import TrainConfig, train


@pytest.fixture(scope="module")
def fp32(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "fp32"
    train(TrainConfig("CartPole-v1", out, seed=1, steps=512))
    return out


@pytest.fixture(scope="module")
def results(fp32):
    made = {}
    for bits in (Bits(8, 8), Bits(4, 4, 6), Bits(4, 4, 6, per_channel=True), Bits(2, 2, 2)):
        out = fp32.parent / str(bits)
        made[str(bits)] = (out, ptq(PtqConfig(fp32, out, bits)))
    return made


def test_eight_bits_act_as_fp32_and_two_bits_less(results):
    assert results["W8A8I8"][1]["agreement"] >= 0.99
    assert results["W2A2I2"][1]["agreement"] < results["W8A8I8"][1]["agreement"]


def test_the_run_folder_is_like_a_trainings(fp32, results):
    out, result = results["W4A4I6"]
    source, config = read_config(fp32), read_config(out)
    assert {key: config[key] for key in source if key != "bits"} == {k: v for k, v in source.items() if k != "bits"}
    assert config["bits"] == {"weight": 4, "act": 4, "input": 6, "per_channel": False}
    assert (config["ptq"]["source"], config["ptq"]["format"], config["ptq"]["method"]) == (str(fp32), "int", "max")
    assert load_run(fp32).result.keys() <= result.keys()
    assert json.loads((out / "train" / "result.json").read_text()) == result
    run = load_run(out)
    assert run.actor.bits == Bits(4, 4, 6) and run.normaliser.input_scale == 2.0 ** -3
    returns = evaluate(run, 20, seed=1)
    assert (returns.mean(), returns.std()) == (result["mean_return"], result["std_return"])
    assert evaluate(fp32, 20, seed=1).mean() == result["source_mean_return"]


def test_a_repeat_returns_what_is_there_and_other_settings_are_refused(fp32, results):
    out, result = results["W4A4I6"]
    before = (out / "train" / "model.zip").stat().st_mtime_ns
    assert ptq(PtqConfig(fp32, out, Bits(4, 4, 6))) == result
    assert (out / "train" / "model.zip").stat().st_mtime_ns == before
    with pytest.raises(UserError, match=r"a run folder keeps its settings; bits must be .* choose another --out"):
        ptq(PtqConfig(fp32, out, Bits(3, 4, 6)))


@pytest.mark.parametrize("name", ["W4A4I6", "W2A2I2", "W4A4I6c"])
def test_the_package_equals_the_torch_actor(results, name):
    run = load_run(results[name][0])
    policy, observations = policy_of(run), visited_observations(run, 2000)
    acc = integer.accumulators(policy, codec.encode(policy, observations))
    normalised = torch.from_numpy(run.normaliser.normalize_obs(observations))
    np.testing.assert_array_equal(acc, run.actor.trace(normalised)[-1][0].numpy())
    with torch.no_grad():
        np.testing.assert_array_equal(codec.outputs(policy, acc), run.actor(normalised).numpy())


def test_limits_are_the_percentiles_of_the_activations(fp32, results):
    source = load_run(fp32)
    x = source.normaliser.normalize_obs(rollout_observations(source, 2000))
    layers = [m for m in source.actor if isinstance(m, torch.nn.Linear)]
    first = np.maximum(x @ layers[0].weight.detach().numpy().T + layers[0].bias.detach().numpy(), 0)
    for percentile in (100, 99, 60):
        found = activation_limits(source.actor, torch.from_numpy(x), percentile)
        assert len(found) == len(layers) - 1
        assert found[0] == pytest.approx(np.percentile(first, percentile), rel=1e-5)
    limits = [float(next(m.parameters()).detach()) for m in load_run(results["W8A8I8"][0]).actor.activations]
    assert limits == pytest.approx(activation_limits(source.actor, torch.from_numpy(x)))


def test_weights_are_clipped_per_tensor_or_row():
    weights = torch.tensor([[1.0, -2.0, 3.0, 100.0], [0.1, 0.2, -0.3, -0.4]])
    assert torch.equal(clip_weights(weights, 100, False), weights)
    assert clip_weights(weights, 75, False).abs().max() == np.float32(np.percentile(weights.abs().numpy(), 75))
    rows = clip_weights(weights, 50, True).abs().amax(dim=1).numpy()
    np.testing.assert_array_equal(rows, np.percentile(weights.abs().numpy(), 50, axis=1).astype(np.float32))


def test_a_percentile_narrows_weights_and_limits(fp32, results, tmp_path):
    ptq(PtqConfig(fp32, tmp_path / "x", Bits(4, 4, 6), "percentile", 90))
    assert read_config(tmp_path / "x")["ptq"]["percentile"] == 90
    narrow, wide = load_run(tmp_path / "x").actor, load_run(results["W4A4I6"][0]).actor
    for ours, theirs in zip(narrow.linears, wide.linears, strict=True):
        assert ours.weight.abs().max() < theirs.weight.abs().max()
        assert torch.equal(ours.bias, theirs.bias)
    for ours, theirs in zip(narrow.stages()[:-1], wide.stages()[:-1], strict=True):
        assert ours.act_scale < theirs.act_scale


def test_weights_per_channel_have_a_scale_each(results):
    actor = load_run(results["W4A4I6c"][0]).actor
    assert [stage.scale.shape for stage in actor.stages()] == [(len(stage.weights),) for stage in actor.stages()]
    assert all((stage.weights.abs().amax(dim=1) == 7).all() for stage in actor.stages())


def test_fp16_is_played_in_half_precision_and_not_exported(fp32, tmp_path):
    out = tmp_path / "half"
    result = ptq(PtqConfig(fp32, out, None))
    assert result["agreement"] >= 0.99 and read_config(out)["ptq"]["format"] == "fp16"
    run, source = load_run(out), load_run(fp32)
    assert isinstance(run.actor, HalfActor)
    x = torch.randn(50, 4)
    with torch.no_grad():
        expected = source.actor.half()(x.half()).float()
        assert torch.equal(run.actor(x), expected) and run.actor(x).dtype == torch.float32
    with pytest.raises(UserError, match=r"quantised to integers can be exported, found an fp16 run in .*quarl ptq"):
        policy_of(run)
    with pytest.raises(UserError, match="must start from an fp32 run, found fp16"):
        ptq(PtqConfig(out, tmp_path / "again", Bits(4, 4)))


def test_only_an_fp32_run_can_be_quantised(results, tmp_path):
    out = results["W4A4I6"][0]
    with pytest.raises(UserError, match=re.escape(f"must start from an fp32 run, found W4A4I6 in {out}. Fix: train")):
        ptq(PtqConfig(out, tmp_path / "x", Bits(4, 4)))
    with pytest.raises(UserError, match=r"a run folder must hold a readable config\.yaml"):
        ptq(PtqConfig(tmp_path / "nothing", tmp_path / "x", Bits(4, 4)))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("changes", "text"), [
    ({"method": "mean"}, "the method must be one of max, percentile, found mean"),
    ({"percentile": 0.0}, "the percentile must be from 50 to 100, found 0.0"),
    ({"percentile": float("nan")}, "the percentile must be from 50 to 100, found nan")])
def test_a_method_that_cannot_be_is_refused(changes, text, tmp_path):
    with pytest.raises(UserError, match=text):
        PtqConfig(tmp_path, tmp_path / "x", Bits(4, 4), **changes)
