"""The unit's Python side: what it refuses, what follows from shape and folding, and the files that it writes."""
from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from quarl.host.errors import UserError
from quarl.hw.engines.mvtu.design import Design, Style
from quarl.hw.engines.mvtu.unit import RTL_FILES, Unit

# Two passes of two steps; every channel's thresholds are those of the first one, moved.
UNIT = Unit(weights=np.array([[1, 2, 3, 4], [-1, -2, -3, -4], [7, -8, 0, 5], [6, 6, -6, -6]]),
            thresholds=np.array([[0, 4], [-3, 1], [-6, -2], [-9, -5]]), pe=2, simd=2, weight_bits=4, input_bits=3,
            input_signed=False, out_bits=2, in_lanes=2)
DESIGN = Design(inputs=8, outputs=64, pe=4, simd=8, weight_bits=4, input_bits=8, out_bits=4, thresholded=True,
                in_lanes=8)


@pytest.mark.parametrize(("changes", "text"), [
    ({"pe": 3}, "PE must divide 4 outputs and SIMD 4 inputs, found PE 3, SIMD 2"),
    ({"simd": 3}, "PE must divide 4 outputs and SIMD 4 inputs, found PE 2, SIMD 3"),
    ({"in_lanes": 3}, "an input beat must divide or be a multiple of SIMD 2, and divide 4, found 3 codes"),
    ({"in_lanes": 8}, "an input beat must divide or be a multiple of SIMD 2, and divide 4, found 8 codes"),
    ({"weight_bits": 3}, "every weight must fit 3 bits, found -8 to 7"),
    ({"out_bits": 1}, "codes of 1 bits count at most 1 thresholds, found 2")])
def test_what_the_unit_refuses(changes: dict[str, object], text: str) -> None:
    with pytest.raises(UserError, match=text):
        dataclasses.replace(UNIT, **changes)


def test_units_are_equal_by_content() -> None:
    same = dataclasses.replace(UNIT, weights=UNIT.weights.copy())
    other = dataclasses.replace(UNIT, weights=UNIT.weights[::-1])
    assert {UNIT, same} == {UNIT} and other != UNIT and len({UNIT, other}) == 2
    assert same.affine == UNIT.affine is not None and hash(same.affine) == hash(UNIT.affine)


@pytest.mark.parametrize(("style", "text"), [
    ({"timing": "slow"}, "the unit's timing must be one of small, balanced, fast-clock, found slow"),
    ({"products": "lots"}, "the unit's products must be one of lut, dsp, found lots"),
    ({"weight_rom": "ultra"}, "the unit's weight ROM must be one of lut, block, found ultra"),
    ({"weight_rom": "block"}, "weights in block RAM need the register of timing fast-clock, found small")])
def test_what_a_style_refuses(style: dict[str, str], text: str) -> None:
    with pytest.raises(UserError, match=text):
        Style(**style)


def test_lanes_that_neither_divide_simd_nor_are_a_multiple() -> None:
    with pytest.raises(UserError, match="of SIMD 4, and divide 12, found 6 codes"):
        dataclasses.replace(DESIGN, inputs=12, simd=4, in_lanes=6)


@pytest.mark.parametrize(("changes", "beats", "passes", "buffered"), [
    ({}, 1, 16, False),                                       # the beat is held while the passes use it
    ({"in_lanes": 2}, 1, 16, True),
    ({"simd": 2, "in_lanes": 2}, 4, 16, True),                # replayed
    ({"simd": 2, "in_lanes": 2, "pe": 64}, 4, 1, False),      # used once
    ({"simd": 2, "in_lanes": 8, "pe": 64}, 4, 1, True)])
def test_folding(changes: dict[str, int], beats: int, passes: int, buffered: bool) -> None:
    design = dataclasses.replace(DESIGN, **changes)
    assert (design.beats, design.passes, design.cycles) == (beats, passes, beats * passes)
    assert design.buffered == buffered


@pytest.mark.parametrize(("changes", "form", "rows", "depth"), [
    ({}, "digits", 16, 1 + 1 + 1),                                            # sum, total, queue
    ({"out_bits": 8}, "digits", 16, 3 + 2),                                   # two stages of two bits
    ({"out_bits": 7}, "digits", 16, 3 + 2),
    ({"weight_bits": 5}, "digits", 24, 3),
    ({"style": Style(products="dsp")}, "dsp", 8, 3),
    ({"pe": 8}, "tables", 32, 3),                                             # 8 steps: 2 bits a row
    ({"pe": 64}, "tables", 13, 3),                                            # a single step: 5 bits a row
    ({"pe": 64, "thresholded": False}, "tables", 13, 2),                      # nothing to accumulate or compare
    ({"simd": 4, "thresholded": False}, "digits", 8, 3),
    ({"style": Style("fast-clock")}, "digits", 16, 1 + 2 + 1 + 1 + 1),        # operand, twice in the sum, ...
    ({"style": Style("balanced")}, "digits", 16, 3),
    ({"style": Style("balanced"), "simd": 1, "in_lanes": 1, "weight_bits": 2}, "digits", 1, 3),      # always a register
    ({"style": Style("balanced"), "inputs": 64, "input_bits": 4, "simd": 16, "in_lanes": 16, "pe": 64},
     "tables", 22, 1 + 2 + 1)])                                               # far operands: a stage for the chains
def test_form_and_depth(changes: dict[str, int], form: str, rows: int, depth: int) -> None:
    design = dataclasses.replace(DESIGN, **changes)
    assert (design.form, design.rows, design.depth) == (form, rows, depth)


def test_reach_and_widths() -> None:
    """Codes are 0 to 7; biases of -4, -1, 2 and 5 replace four thresholds a channel."""
    low, high = UNIT.reach
    assert low.tolist() == [0, -70, -56, -84] and high.tolist() == [70, 0, 84, 84]
    assert UNIT.affine is not None and UNIT.affine.bias.tolist() == [-4, -1, 2, 5]
    parameters = UNIT.parameters
    assert (parameters["BIAS_BITS"], parameters["FRACTION"], parameters["THRESHOLD_BITS"]) == (4, 0, 3)
    assert parameters["ACCUMULATOR_BITS"] == 8, "from -79 to 89"
    signed = dataclasses.replace(UNIT, input_signed=True)
    assert [end.tolist() for end in signed.reach] == [[-40, -30, -72, -84], [30, 40, 68, 84]]


def test_a_table_for_all_channels_of_a_single_pass() -> None:
    """A constant needs no memory: no bias then, and thresholds out of reach come nearer."""
    unit = dataclasses.replace(UNIT, pe=4, thresholds=np.array([[-9, 999], [-99, -5], [-6, 80], [0, 1]]))
    assert unit.affine is None and unit.parameters["SHARED"] == 0
    assert unit.parameters["THRESHOLD_BITS"] == 8, "from -70 to 80"


def test_images(tmp_path: Path) -> None:
    """One word a line: [step][pe][simd], [pass][pe], [COUNT]; the last element in the highest bits."""
    files = UNIT.write(tmp_path, "layer")
    assert files == [tmp_path / "layer.v", *RTL_FILES]
    assert (tmp_path / "layer_weights.dat").read_text() == "ef21\ncd43\n6687\naa50\n"
    assert (tmp_path / "layer_biases.dat").read_text() == "fc\n52\n"             # -4 and -1, 2 and 5
    assert (tmp_path / "layer_threshold_table.dat").read_text() == "04\n"        # -4 and 0
    wrapper = (tmp_path / "layer.v").read_text()
    for text in ("module layer (", "input [7:0] in0_V_TDATA", "output [7:0] out0_V_TDATA", ".MW(4)", ".FRACTION(0)",
                 '.WEIGHTS("./layer_weights.dat")', '.BIASES("./layer_biases.dat")',
                 '.THRESHOLD_TABLE("./layer_threshold_table.dat")'):
        assert text in wrapper


def test_images_of_thresholds_without_a_common_table(tmp_path: Path) -> None:
    """A word a pass: [pass][pe][COUNT], here of 8 bits."""
    unit = dataclasses.replace(UNIT, thresholds=np.array([[0, 64], [-64, 0], [-3, -2], [5, 80]]))
    unit.write(tmp_path, "layer")
    assert unit.affine is None
    assert (tmp_path / "layer_threshold_table.dat").read_text() == "00c04000\n5005fefd\n"
    assert not (tmp_path / "layer_biases.dat").exists()


def test_images_of_accumulators(tmp_path: Path) -> None:
    """Only weights. Words of seven bits take two digits."""
    unit = Unit(np.array([[1], [-1]]), None, 1, 1, 7, 4, False, 5, 1)
    unit.write(tmp_path, "layer")
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["layer.v", "layer_weights.dat"]
    assert (tmp_path / "layer_weights.dat").read_text() == "01\n7f\n"
    assert unit.parameters["ACCUMULATOR_BITS"] == 5 and unit.parameters["THRESHOLDS"] == 0
