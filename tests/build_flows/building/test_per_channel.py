"""Policies with one weight scale per output channel, through the whole chain."""
import numpy as np
import pytest

from quarl.build_flows.building import flow, subject
from quarl.build_flows.building.options import Options
from quarl.build_flows.building.parity import compare, reference
from quarl.build_flows.estimate.shape import Folding
from quarl.build_flows.lowering.lower import execute, lower
from quarl.build_flows.lowering.session import finn_session
from quarl.hw.boards import board
from quarl.models.actors.bits import Bits


@pytest.mark.parametrize("engine", ["rom", "dsp"])
@pytest.mark.parametrize("bits", [Bits(3, 2, 4, per_channel=True), Bits(4, 4, 8, per_channel=True)])
def test_it_lowers_and_finns_execution_equals_the_reference(bits, engine, tmp_path):
    what = subject.random((5, 17, 3), bits, 7, tmp_path / "policy", 10)
    assert len(np.unique(what.policy.decode_scale)) == 3
    codes = np.random.default_rng(0).integers(*what.policy.input_range, (500, 5), endpoint=True)
    with finn_session(tmp_path / "finn"):
        lowered = lower(what.policy, what.onnx, [Folding(17, 5), Folding(3, 17)], board("pynq-z2"),
                        tmp_path / "finn", engine)
        outputs = execute(lowered.golden, codes)
    assert compare("FINN", reference(what.policy, codes), outputs, codes)["mismatches"] == 0


def test_the_build_is_bit_exact(tmp_path):
    what = subject.random((5, 17, 3), Bits(3, 2, 4, per_channel=True), 0, tmp_path / "policy", 1000)
    pairs = flow.build(what, Options(), tmp_path / "accel")["parity"]["pairs"]
    assert len(pairs) == 7
    assert all(pair["mismatches"] == 0 and pair["values"] > 0 for pair in pairs.values())
