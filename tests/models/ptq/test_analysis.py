"""The analysis of distributions, against numpy by hand."""
import json

import numpy as np
import pytest
import torch

from quarl.models.actors.bits import Bits
from quarl.models.ptq.analysis import BINS, SAMPLES, analyse, ensure_analysis, rank_correlation, sqnr_db, statistics
from quarl.models.ptq.quantise import PtqConfig, ptq
from quarl.models.runs.run_folder import load_run
from quarl.models.training.train import TrainConfig, train


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    train(TrainConfig("CartPole-v1", folder / "fp32", seed=1, steps=512))
    ptq(PtqConfig(folder / "fp32", folder / "ptq", Bits(4, 4, 6)))
    return load_run(folder / "fp32"), load_run(folder / "ptq")


def test_one_layer_by_hand(runs):
    source, run = runs
    found = json.loads((run.folder / "train" / "analysis.json").read_text())
    assert [(t["layer"], t["kind"]) for t in found["tensors"]] == [
        (0, "inputs"), (0, "weights"), (1, "activations"), (1, "weights"), (2, "activations"), (2, "weights")]
    tensor = found["tensors"][3]
    before = [m for m in source.actor if isinstance(m, torch.nn.Linear)][1].weight.detach().numpy()
    scale = np.float32(np.abs(before).max()) / np.float32(7)
    codes = np.rint(before / scale)
    after = codes * scale
    assert tensor["size"] == before.size
    both = np.concatenate([before, after])
    assert tensor["range"] == pytest.approx([both.min(), both.max()], rel=1e-5)
    assert tensor["before"]["std"] == pytest.approx(before.std(), rel=1e-5)
    assert tensor["before"]["spread"] == pytest.approx(np.abs(before).max() / before.std(), rel=1e-5)
    assert tensor["after"]["zeros"] == pytest.approx((codes == 0).mean())
    assert tensor["saturated"] == pytest.approx((np.abs(codes) == 7).mean())
    noise = ((before - after) ** 2).sum()
    assert tensor["sqnr_db"] == pytest.approx(10 * np.log10((before ** 2).sum() / noise), rel=1e-4)
    histogram = np.histogram(before, BINS, tensor["range"])[0]
    assert len(histogram) == BINS and tensor["before"]["histogram"] == histogram.tolist()
    assert sum(tensor["after"]["histogram"]) == before.size


def test_activations_and_actions(runs):
    _, run = runs
    found = json.loads((run.folder / "train" / "analysis.json").read_text())
    hidden = found["tensors"][2]
    assert hidden["size"] == SAMPLES * len(run.actor.linears[0].weight)
    assert hidden["before"]["min"] == hidden["after"]["min"] == 0.0
    limit = next(run.actor.activations[0].parameters()).detach().item()
    assert hidden["after"]["max"] <= limit * (1 + 1e-6)
    assert 0 < found["actions"]["agreement"] <= 1 and found["actions"]["kind"] == "discrete"
    assert found["actions"]["agreement"] == run.result["agreement"]
    relation = found["relation"]["weights"]
    assert relation["layers"] == [0, 1, 2]
    assert relation["spread"] == [found["tensors"][i]["before"]["spread"] for i in (1, 3, 5)]
    assert relation["rank_correlation"]["sqnr_db"] == rank_correlation(relation["spread"], relation["sqnr_db"])


def test_nothing_quantised_alone_costs_more_than_it_should(runs):
    """Each error alone is no more than a fraction of the outputs, and the whole is worse than the best of them."""
    _, run = runs
    found = json.loads((run.folder / "train" / "analysis.json").read_text())
    alone = [t["alone"]["sqnr_db"] for t in found["tensors"]]
    assert min(alone) > 0 and found["actions"]["sqnr_db"] < max(alone)


def test_a_quantised_training_is_compared_with_its_own_weights(tiny_run):
    path = ensure_analysis(tiny_run)
    found, run = json.loads(path.read_text()), load_run(tiny_run)
    assert found == analyse(run) and found["before"] == "its own weights, unquantised"
    own = run.actor.linears[0].weight.detach().numpy()
    assert found["tensors"][1]["before"]["std"] == pytest.approx(own.std(), rel=1e-5)
    path.unlink()


def test_an_fp32_run_has_no_analysis(runs):
    assert ensure_analysis(runs[0].folder) is None


def test_numbers():
    values = np.array([-3.0, 0.0, 0.0, 1.0, 2.0])
    found = statistics(values)
    assert (found["min"], found["max"], found["mean"], found["zeros"]) == (-3.0, 2.0, 0.0, 0.4)
    assert found["std"] == pytest.approx(np.sqrt(14 / 5)) and found["spread"] == pytest.approx(3 / np.sqrt(14 / 5))
    assert found["kurtosis"] == pytest.approx((98 / 5) / (14 / 5) ** 2 - 3)
    assert statistics(np.ones(4))["spread"] is None
    assert sqnr_db(np.array([10.0]), np.array([9.0])) == pytest.approx(20.0)
    assert sqnr_db(np.ones(3), np.ones(3)) is None
    assert rank_correlation([1, 2, 3], [9, 5, 1]) == pytest.approx(-1) and rank_correlation([1, 2], [1, 2]) is None
