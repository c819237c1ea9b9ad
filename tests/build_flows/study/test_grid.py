"""Points: what their names say, what they share."""
import dataclasses

import pytest

from quarl.build_flows.study.grid import Point, Row, Study, is_precision, precision_of

POINT = Point("CartPole-v1", "ppo", "ptq4", 3, {"total_steps": 512, "gamma": 0.98})


def test_a_name_stays_the_same_for_ever():
    """Kept results are found by it: a change of these names throws all of them away."""
    assert POINT.name == "CartPole-v1-ppo-ptq4-s3-5612e4b5"
    assert dataclasses.replace(POINT, input_bits=4, per_channel=True).name == (
        "CartPole-v1-ppo-ptq4-per-channel-i4-s3-7f8a8277")


def test_a_name_changes_with_all_that_decides_the_policy_and_nothing_else():
    changes = [{"task": "Acrobot-v1"}, {"algo": "a2c"}, {"precision": "qat4"}, {"seed": 4}, {"input_bits": 4},
               {"per_channel": True}, {"settings": {"total_steps": 513, "gamma": 0.98}}]
    assert len({POINT.name, *(dataclasses.replace(POINT, **each).name for each in changes)}) == len(changes) + 1
    assert dataclasses.replace(POINT, episodes=5).name == POINT.name


def test_a_name_is_a_file_name():
    assert dataclasses.replace(POINT, task="ALE/Pong-v5").name.startswith("ALE_Pong-v5-ppo-ptq4-s3-")


def test_what_is_quantised_afterwards_shares_the_fp32_training():
    fp32 = dataclasses.replace(POINT, precision="fp32")
    assert fp32.training == fp32
    assert POINT.training == dataclasses.replace(POINT, input_bits=4, per_channel=True).training == fp32
    assert dataclasses.replace(POINT, precision="fp16").training == fp32
    qat = dataclasses.replace(POINT, precision="qat4", per_channel=True)
    assert qat.training == qat


def test_bits():
    assert str(dataclasses.replace(POINT, precision="qat3", input_bits=6, per_channel=True).bits()) == "W3A3I6c"
    assert dataclasses.replace(POINT, precision="fp32").bits() is None
    assert dataclasses.replace(POINT, precision="fp16").bits() is None


def test_designs_share_a_policy_and_have_names_of_their_own():
    design = dataclasses.replace(POINT, precision="qat4", engine="rom", folding="balanced")
    assert design.title == "CartPole-v1 ppo qat4 rom balanced seed 3"
    assert design.name == "CartPole-v1-ppo-qat4-rom-balanced-s3-3ba37cdd"
    assert design.training == design.policy == dataclasses.replace(POINT, precision="qat4")
    quantised = dataclasses.replace(POINT, engine="dsp", folding="min-area")
    assert quantised.policy == POINT and quantised.training == POINT.training
    others = [dataclasses.replace(design, **change) for change in ({"engine": "dsp"}, {"folding": "min-area"})]
    assert len({design.name, design.policy.name, *(other.name for other in others)}) == 4


def test_only_another_board_is_told():
    design = dataclasses.replace(POINT, engine="rom", folding="balanced")
    elsewhere = dataclasses.replace(design, board="kv260")
    assert "board" not in design.describe() and elsewhere.describe() == {**design.describe(), "board": "kv260"}
    assert elsewhere.title == "CartPole-v1 ppo ptq4 rom balanced kv260 seed 3"
    assert elsewhere.name.startswith("CartPole-v1-ppo-ptq4-rom-balanced-kv260-s3-")
    assert elsewhere.policy == design.policy == POINT and elsewhere.training == POINT.training


@pytest.mark.parametrize(("precision", "bits"), [("qat4", "W4A4I8"), ("qatW3A4", "W3A4I8"),
                                                 ("ptqW8-3-8A4-3", "W8-3-8A4-3I8")])
def test_widths_of_a_precision(precision, bits):
    assert is_precision(precision)
    point = dataclasses.replace(POINT, precision=precision)
    assert str(point.bits()) == bits and precision_of(precision[:3], point.bits()) == precision


def test_texts_that_are_no_precision():
    assert not any(map(is_precision, ("qat9", "qat", "qatW3", "qatW3A4-3-4", "fp8", "qatW8-3A4", "xptq4")))


def test_points_come_once_with_the_seeds_outermost():
    def row(part, *points):
        return Row(part, "CartPole-v1", "ppo", "", points)
    first, second = POINT, dataclasses.replace(POINT, seed=2)
    other = dataclasses.replace(POINT, precision="qat4")
    study = Study("s", (row("core", first, second), row("wide", first, other)), {})
    assert study.parts == ["core", "wide"]
    assert study.points() == [second, first, other]
    assert study.points("wide") == [first, other]
