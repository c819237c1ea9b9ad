"""The soak of the benchmarks, shorter: nothing is wrong, done twice, let in or lost, whoever dies."""
import pytest

from benchmarks import soak


@pytest.mark.parametrize("steps", [3000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_a_bad_network_under_attack(steps):
    found = soak.run(steps, seed=steps)
    nothing = {name: found[name] for name in ("wrong", "crashes", "second_inferences", "attacks_that_got_in")}
    assert nothing == dict.fromkeys(nothing, 0)
    assert found["answered"] == steps and found["attacks"] > 0
    assert found["server_lives"] == 3 and found["server_sigkills"] == 1
    assert found["second_inferences_after_sigkill"] <= found["server_sigkills"]
    assert found["memory_growth_mb"] < 8
