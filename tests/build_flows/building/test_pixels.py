"""A policy of pixels runs as the integer reference; there is no hardware for it."""
import numpy as np
import pytest

from quarl.build_flows.building import subject
from quarl.build_flows.estimate.shape import shapes
from quarl.host.errors import UserError
from quarl.host.policy import ActionSpace
from quarl.models.actors.bits import Bits
from quarl.models.actors.convolutional import QuantConvActor
from quarl.models.export.integer_program import extract

MESSAGE = (r"a policy that is built must read a vector of features, found a policy of pixels, \(2, 10, 10\)\. "
           r"Fix: run it with --device integer")


@pytest.fixture(scope="module")
def policy():
    actor = QuantConvActor((2, 10, 10), [(3, 4, 2)], [5], Bits(4, 3)).eval()
    empty = np.empty(0, np.float32)
    return extract(actor, empty, empty, (2, 10, 10), ActionSpace("discrete", 5), "t", "ppo", {})


def test_no_resources_are_estimated(policy):
    with pytest.raises(UserError, match=MESSAGE):
        shapes(policy)


def test_a_run_of_one_is_not_built(tmp_path, policy, monkeypatch):
    monkeypatch.setattr(subject, "ensure_package", lambda run: policy)
    with pytest.raises(UserError, match=MESSAGE):
        subject.of_run(tmp_path)
