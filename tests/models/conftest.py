"""A small finished run that several tests share."""
import pytest
import torch

from quarl.models.actors.bits import Bits
from quarl.models.training.train import TrainConfig, train

torch.set_warn_always(True)      # else it depends on the order of tests which one is told of a warning


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """CartPole W4A3I6 after 1024 steps."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    train(TrainConfig("CartPole-v1", out, bits=Bits(4, 3, 6), seed=3, steps=1024))
    return out
