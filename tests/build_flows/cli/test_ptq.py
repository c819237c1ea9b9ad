"""`quarl ptq` as a user meets it."""
import json

import pytest

from quarl.build_flows.cli import main
from quarl.models.training.train import TrainConfig, train


@pytest.fixture(scope="module")
def fp32(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "fp32"
    train(TrainConfig("CartPole-v1", out, seed=1, steps=512))
    return out


def test_quantise_then_evaluate_and_export(fp32, tmp_path, capsys):
    out = tmp_path / "y"
    assert main(["ptq", str(fp32), "--weight-bits", "4", "--act-bits", "4", "--input-bits", "6", "--out", str(out),
                 "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    result = json.loads(lines[-1])
    assert result["run"] == str(out) and result["agreement"] > 0.5
    assert "over 20 episodes at W4A4I6; in fp32, " in "\n".join(lines)
    assert main(["export", str(out)]) == 0
    capsys.readouterr()
    assert main(["eval", str(out), "--episodes", "20", "--seed", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["return_mean"] == result["mean_return"]


@pytest.mark.parametrize(("options", "text"), [
    (["--weight-bits", "9"], "weight bits must be a whole number from 2 to 8, found 9"),
    (["--method", "mean"], "the method must be one of max, percentile, found mean"),
    (["--method", "percentile", "--percentile", "10"], "the percentile must be from 50 to 100, found 10.0")])
def test_options_that_cannot_be_are_explained(fp32, options, text, tmp_path, capsys):
    assert main(["ptq", str(fp32), "--out", str(tmp_path / "x"), *options]) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
