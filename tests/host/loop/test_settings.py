import pytest

from quarl.host.errors import UserError
from quarl.host.loop.settings import Settings
from tests.host.helpers import refused


@pytest.mark.parametrize(("changes", "rule", "found", "fix"), [
    ({"episodes": 0}, "the number of episodes must be at least 1", "0", "pass --episodes 10"),
    ({"envs": 0}, "the number of envs must be at least 1", "0", "pass --envs 10"),
    ({"max_steps": -1}, "the number of max-steps must be at least 1", "-1", "pass --max-steps 10"),
    ({"seed": -1}, "the seed must be 0 or more", "-1", "choose another --seed"),
    ({"hz": 0.0}, "the rate must be above 0", "0.0", "pass the loop's steps a second, as in --hz 1000"),
    ({"hz": float("inf")}, "the rate must be above 0", "inf", "pass the loop's steps a second, as in --hz 1000"),
    ({"hz": float("nan")}, "the rate must be above 0", "nan", "pass the loop's steps a second, as in --hz 1000"),
    ({"shadow": 1.5}, "the shadow's share must be from 0 to 1", "1.5", "pass --shadow 0.01 for 1 %"),
    ({"shadow": float("nan")}, "the shadow's share must be from 0 to 1", "nan", "pass --shadow 0.01 for 1 %")])
def test_what_makes_no_sense(changes, rule, found, fix):
    with refused(UserError, rule, found, fix):
        Settings(**changes)
