"""Points: what their names say, what they share."""
import dataclasses

from build_flows.study.grid import Point, Row, Study

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


def test_points_come_once_with_the_seeds_outermost():
    def row(part, *points):
        return Row(part, "CartPole-v1", "ppo", "", points)
    first, second = POINT, dataclasses.replace(POINT, seed=2)
    other = dataclasses.replace(POINT, precision="qat4")
    study = Study("s", (row("core", first, second), row("wide", first, other)), {})
    assert study.parts == ["core", "wide"]
    assert study.points() == [second, first, other]
    assert study.points("wide") == [first, other]
