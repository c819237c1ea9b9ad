import numpy as np
import pytest

from quarl.host.errors import MismatchError
from quarl.host.log.run_log import records
from quarl.host.loop.shadow import Shadow
from quarl.host.policy import integer
from tests.host.helpers import make_policy, random_codes, refused
from tests.host.loop.closed_loop import Clocked, cartpole_policy, of, play

RULE = "the device must equal the integer reference in every accumulator"
FIX = ("build again with `quarl build RUN`, which proves parity; on a board look at clock, power and heat; "
       "--shadow-action count plays on")


def chosen(share, seed=0, episode=0, steps=2000):
    """The steps that are compared."""
    policy = make_policy()
    shadow, found = Shadow(policy, share, seed, episode), []
    codes = random_codes(policy, 1, 0)[0]
    for step in range(steps):
        before = shadow.checked
        shadow.check(step, codes, integer.accumulators(policy, codes[None])[0])
        found += [step] * (shadow.checked - before)
    assert shadow.mismatches == 0
    return found


def test_the_share_and_the_choice_of_the_steps():
    assert chosen(1.0, steps=50) == list(range(50)) and chosen(0.0) == []
    assert 400 < len(chosen(0.25)) < 600
    assert chosen(0.25) == chosen(0.25)
    assert len({tuple(chosen(0.25, seed, episode)) for seed in (0, 1) for episode in (0, 1)}) == 4


@pytest.mark.parametrize("output", [0, 1])
def test_a_difference_is_named(output):
    policy = make_policy()
    shadow, codes = Shadow(policy, 1.0, 0, 7), random_codes(policy, 1, 3)[0]
    expected = integer.accumulators(policy, codes[None])[0]
    found = expected.copy()
    found[output] -= 5
    assert shadow.check(0, codes, expected) is None
    assert shadow.check(1, codes, found) == {"episode": 7, "step": 1, "output": output, "found": int(found[output]),
                                             "expected": int(expected[output])}
    assert (shadow.checked, shadow.mismatches) == (2, 1)


def test_a_mismatch_stops_the_run_before_its_action(tmp_path):
    policy = cartpole_policy()
    with pytest.raises(MismatchError) as caught:
        play(tmp_path / "log", policy, Clocked(policy, wrong_at=[9]), episodes=5, max_steps=6, shadow=1.0)
    log = list(records(tmp_path / "log"))
    assert [entry["type"] for entry in log] == ["run", *["step"] * 6, "episode", "step", "step", "mismatch"]
    difference = log[-1]
    assert difference["found"] == difference["expected"] + 3
    assert (difference["episode"], difference["step"], difference["output"]) == (1, 2, 1)
    with refused(MismatchError, RULE, "%d instead of %d at output 1 in step 2 of episode 1" % (
            difference["found"], difference["expected"]), FIX):
        raise caught.value


def test_mismatches_are_counted(tmp_path):
    policy = cartpole_policy()
    device = Clocked(policy, wrong_at=[2, 3, 11])
    summary, log = play(tmp_path / "log", policy, device, episodes=3, max_steps=6, shadow=1.0, shadow_stops=False)
    assert summary["shadow"] == {"checked": 18, "mismatches": 3}
    assert [(e["shadow_checked"], e["shadow_mismatches"]) for e in of("episode", log)] == [(6, 2), (6, 1), (6, 0)]
    assert [(e["episode"], e["step"]) for e in of("mismatch", log)] == [(0, 1), (0, 2), (1, 4)]


def test_a_share_in_several_environments(tmp_path):
    """Which steps are compared depends on the episode and not on who shares its batch."""
    def checked(envs):
        summary, log = play(tmp_path / "log", episodes=4, max_steps=60, shadow=0.3, envs=envs)
        found = {e["episode"]: e["shadow_checked"] for e in of("episode", log)}
        assert summary["shadow"] == {"checked": sum(found.values()), "mismatches": 0}
        return found

    assert checked(1) == checked(3)
    assert 30 < sum(checked(1).values()) < 120


def test_without_a_shadow_nothing_is_compared(tmp_path):
    policy = cartpole_policy()
    summary, log = play(tmp_path / "log", policy, Clocked(policy, wrong_at=[2]), episodes=1, max_steps=6)
    assert "shadow" not in summary and "shadow_checked" not in of("episode", log)[0]
    assert np.isfinite(summary["return_mean"])
