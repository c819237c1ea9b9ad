"""A single different number is found and named."""
import numpy as np
import pytest

from quarl.build_flows.building import parity
from quarl.host import policy as package
from quarl.host.errors import MismatchError
from quarl.models.actors.bits import Bits
from quarl.models.export.random_policy import random_package

EXPECTED = [np.array([[10, 20], [30, 40]]), np.array([[1, 2], [3, 3]]), np.array([[5], [6]])]
CODES = np.array([[1, -2], [3, 4]])


def test_equal_traces_count_their_values():
    assert parity.compare("x", EXPECTED, EXPECTED, CODES) == {"values": 10, "mismatches": 0}


@pytest.mark.parametrize(("index", "row", "channel", "text"), [
    (0, 1, 0, "layer 0, channel 0, input codes [3, 4]: accumulator 30, found 31 (1 of 4 values differ)"),
    (1, 0, 1, "layer 0, channel 1, input codes [1, -2]: code 2, found 3 (1 of 4 values differ)"),
    (2, 1, 0, "layer 1, channel 0, input codes [3, 4]: accumulator 6, found 7 (1 of 2 values differ)"),
])
def test_a_difference_names_layer_channel_input_and_values(index, row, channel, text):
    found = [array.copy() for array in EXPECTED]
    found[index][row, channel] += 1
    with pytest.raises(MismatchError) as caught:
        parity.compare("the torch actor", EXPECTED, found, CODES)
    assert str(caught.value) == ("the torch actor must equal the integer reference: " + text
                                 + ". Fix: this is a fault of the tool chain: keep the run folder and report it.")


def test_a_missing_layer_is_no_parity():
    with pytest.raises(ValueError, match="shorter"):
        parity.compare("x", EXPECTED, EXPECTED[:2], CODES)


def test_the_reference_has_accumulators_and_codes_in_turn(tmp_path):
    policy = package.read(random_package((5, 17, 3), Bits(3, 3, 4), 0, tmp_path / "policy"))
    trace = parity.reference(policy, np.zeros((4, 5), np.int8))
    assert [array.shape for array in trace] == [(4, 17), (4, 17), (4, 3)]
