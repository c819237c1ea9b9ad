import numpy as np
import pytest

from quarl.host.errors import UserError
from quarl.models.play.evaluate import evaluate
from quarl.models.runs.run_folder import load_run


def test_both_backends_play_the_same(tiny_run):
    run = load_run(tiny_run)
    returns = evaluate(run, 25, 1)
    assert returns.shape == (25,) and (returns >= 8).all()
    np.testing.assert_array_equal(returns, evaluate(tiny_run, 25, 1, "integer"))


def test_the_seed_decides(tiny_run):
    run = load_run(tiny_run)
    np.testing.assert_array_equal(evaluate(run, 10, 1), evaluate(run, 10, 1))
    assert evaluate(run, 10, 1).tolist() != evaluate(run, 10, 2).tolist()


def test_bad_arguments(tiny_run):
    with pytest.raises(UserError, match=r"the number of episodes must be 1 or more, found 0\. Fix: .*--episodes"):
        evaluate(tiny_run, 0)
    with pytest.raises(UserError, match=r"the backend must be one of torch, integer, found gpu\. Fix: .*--backend"):
        evaluate(tiny_run, 1, 0, "gpu")


def test_no_run_folder(tmp_path):
    with pytest.raises(UserError, match=r"a run folder must hold a readable config.yaml, found .*No such file.*"
                                        r"Fix: make one with `quarl train`"):
        evaluate(tmp_path, 1)


@pytest.mark.parametrize("text", ["[", "3", "seed: 0"])
def test_a_broken_config(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError, match=r"config.yaml"):
        evaluate(tmp_path, 1)
