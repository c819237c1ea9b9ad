"""Policies with one weight scale per output channel, through the whole chain."""
import numpy as np
import pytest

from build_flows import flow, lowering, subject
from build_flows.finn_session import finn_session
from build_flows.parity import compare, reference
from build_flows.resources import Folding
from hw.boards import board
from models.bits import Bits


@pytest.mark.parametrize("engine", ["rom", "dsp"])
@pytest.mark.parametrize("bits", [Bits(3, 2, 4, per_channel=True), Bits(4, 4, 8, per_channel=True)])
def test_it_lowers_and_finns_execution_equals_the_reference(bits, engine, tmp_path):
    what = subject.random((5, 17, 3), bits, 7, tmp_path / "policy", 10)
    assert len(np.unique(what.policy.decode_scale)) == 3
    codes = np.random.default_rng(0).integers(*what.policy.input_range, (500, 5), endpoint=True)
    with finn_session(tmp_path / "finn"):
        lowered = lowering.lower(what.policy, what.onnx, [Folding(17, 5), Folding(3, 17)], board("pynq-z2"),
                                 tmp_path / "finn", engine)
        outputs = lowering.execute(lowered.golden, codes)
    assert compare("FINN", reference(what.policy, codes), outputs, codes)["mismatches"] == 0


def test_the_build_is_bit_exact(tmp_path):
    what = subject.random((5, 17, 3), Bits(3, 2, 4, per_channel=True), 0, tmp_path / "policy", 1000)
    pairs = flow.build(what, flow.Options(), tmp_path / "accel")["parity"]["pairs"]
    assert len(pairs) == 7
    assert all(pair["mismatches"] == 0 and pair["values"] > 0 for pair in pairs.values())
