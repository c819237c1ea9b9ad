"""A small trained run, and small built accelerators, that several tests share."""
import pytest

from quarl.build_flows.building import flow, subject
from quarl.build_flows.building.options import Options
from quarl.models.actors.bits import Bits
from quarl.models.training.train import TrainConfig, train


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory):
    """CartPole W4A4I8 after 512 steps."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    train(TrainConfig("CartPole-v1", out, bits=Bits(4, 4, 8), seed=1, steps=512))
    return out


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A random 5-17-3 net at W3 A2 I4, built with engine lut: its subject, options and folder."""
    folder = tmp_path_factory.mktemp("built")
    what = subject.random((5, 17, 3), Bits(3, 2, 4), 0, folder / "policy", 2000)
    options = Options(fold="balanced")
    flow.build(what, options, folder / "accel")
    return what, options, folder / "accel"


@pytest.fixture
def run(tmp_path):
    """A run folder as far as the checks before any work look at it."""
    (tmp_path / "config.yaml").write_text("{}")
    return tmp_path
