"""The policies that a search chooses from, and the points that they become."""
import dataclasses

import pytest

from quarl.build_flows.search.estimate import Estimate, estimate
from quarl.build_flows.search.question import Search
from quarl.build_flows.search.reward_parity import Parity
from quarl.build_flows.search.space import Space
from quarl.build_flows.study.grid import Point
from quarl.build_flows.study.groups import rows_of
from quarl.host.errors import UserError
from tests.build_flows.search import search_work
from tests.build_flows.search.search_work import SEARCH, candidate


def test_ranges_and_starts():
    space = SEARCH.space
    assert space == Space(inputs=4, layers=2, largest=64, outputs=2)
    ranges = space.ranges()
    assert ranges["hidden"] == (8, 64, 8) and ranges["core"] == ranges["input"] == (2, 8, 1)
    assert Space(3, 2, 100, 1).ranges()["hidden"] == (8, 96, 8) and Space(3, 2, 4, 1).ranges()["hidden"] == (4, 4, 8)
    assert space.starts()[0] == candidate()
    for any_space in (space, Space(3, 2, 100, 1), Space(3, 2, 4, 1), Space(3, 1, 256, 1)):
        for start in any_space.starts():
            for name, value in dataclasses.asdict(start).items():
                low, high, step = any_space.ranges()[name]
                assert low <= value <= high and (value - low) % step == 0
    assert space.dims(candidate(hidden=16)) == (4, 16, 16, 2)
    assert str(candidate(core=3, hidden=16, act_core=4)) == "W8-3-8A8-4I8 h16"


def test_points_are_those_of_a_study(tmp_path):
    of = candidate(core=3, hidden=16, input=6, act_core=4)
    group = {"tasks": "CartPole-v1", "algos": "ppo", "steps": 512, "precisions": ["fp32", "qatW8-3-8A8-4"],
             "hidden": [[16, 16]], "input_bits": 6, "seeds": [0, 1], "engines": "rom", "folding": "min-area"}
    row, = rows_of(group, 2, tmp_path)
    designs = [SEARCH.design(policy) for policy in SEARCH.policies(of)]
    assert [design.name for design in designs] == [point.name for point in row.points if point.engine]
    usual, = rows_of({**group, "hidden": [[64, 64]]}, 2, tmp_path)
    assert SEARCH.reference() == [point for point in usual.points if point.precision == "fp32"]
    assert [policy.hidden for policy in SEARCH.policies(candidate())] == [None, None]      # the preset's


def test_the_actor_alone_changes_its_size():
    search = Search("Pendulum-v1", "sac", Parity("std"))
    policy = search.policies(candidate(hidden=24))[0]
    assert isinstance(policy, Point) and policy.settings["net_arch"] == {"pi": [24, 24], "qf": [64, 64]}
    assert search.space == Space(3, 2, 64, 1)


@pytest.mark.parametrize(("changes", "message"), [
    ({"task": "CartPol-v1"}, "the task must be one that ppo has a preset for: .*found CartPol-v1. Fix: did you mean "
                             "CartPole-v1, or give --steps"),
    ({"task": "Mine-v0"}, "found Mine-v0. Fix: choose one with --task, or give --steps"),
    ({"algo": "sac"}, "found CartPole-v1. Fix: choose --algo a2c or dqn or ppo, or give --steps"),
    ({"algo": "pp"}, "the algorithm must be one of .*, found pp. Fix: choose one with --algo"),
    ({"task": "ALE/Pong-v5"}, "must read a vector of features, found pixels of ALE/Pong-v5. Fix: choose another"),
    ({"engine": "rem"}, "--engine must be one of rom, dsp, lut, found rem"),
    ({"folding": "tiny"}, "--fold must be min-area, balanced, min-latency or the cycles that an action may "
                           "take, found tiny"),
    ({"board": "kv2600"}, "the board must be a known one, found 'kv2600'. Fix: write kv260, or choose one of: "),
    ({"seeds": 0}, "--seeds must be 1 or more, found 0"), ({"episodes": -1}, "--episodes must be 1 or more, found -1"),
    ({"steps": 0}, "--steps must be 1 or more, found 0"),
])
def test_bad_searches(changes, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(SEARCH, **{"steps": None, **changes})


def test_a_task_that_does_not_exist():
    with pytest.raises(UserError, match="Nothing-v0"):
        _ = dataclasses.replace(SEARCH, task="Nothing-v0").space


def test_estimates_come_before_any_training():
    small, large = estimate(SEARCH, candidate(2, 8, act_first=2, act_core=2)), estimate(SEARCH, candidate())
    assert small.lut < large.lut and small.latency < large.latency and small.as_good_as(large)
    assert 500 < small.lut < 2000 and not large.as_good_as(small)
    assert not Estimate(5, 5).as_good_as(Estimate(4, 6)) and Estimate(5, 5).as_good_as(Estimate(5, 5))
    assert search_work.estimate(SEARCH, candidate(2)).lut < search_work.estimate(SEARCH, candidate(3)).lut


def test_a_candidate_that_does_not_fit_has_no_estimate(monkeypatch):
    from quarl.build_flows.folding import planning

    def choose(shapes, engine, fold, board, *rest):
        assert (engine, fold, board.name) == ("rom", "min-area", "zcu104")
        raise UserError("the design must fit", "too much", "train with fewer bits")
    monkeypatch.setattr(planning, "choose", choose)
    assert estimate(dataclasses.replace(SEARCH, board="zcu104"), candidate(7, 24)) is None


def test_a_search_is_for_its_board():
    search = dataclasses.replace(SEARCH, board="KV260_SOM")
    design, = {search.design(policy).board for policy in search.policies(candidate())}
    assert search.describe()["board"] == design == "kv260"
    assert search.policies(candidate()) == SEARCH.policies(candidate())     # they are trained once for all boards
