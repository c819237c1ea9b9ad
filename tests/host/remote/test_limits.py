"""Replies to those who do not hold the device: few, however many frames come."""
from quarl.host.remote.limits import ErrorBudget


def test_a_flood_gets_a_burst_and_then_a_trickle():
    now = [0.0]
    budget = ErrorBudget(rate=2, burst=3, clock=lambda: now[0])
    assert sum(budget.spend(b"a") for _ in range(1000)) == 3
    assert budget.spend(b"b")
    for _ in range(1000):
        now[0] += 0.01
        budget.spend(b"a")
    now[0] += 0.5
    assert [budget.spend(b"a") for _ in range(2)] == [True, False]
    allowed = 0
    for _ in range(1000):
        now[0] += 0.01
        allowed += budget.spend(b"a")
    assert allowed in (19, 20, 21)


def test_silence_earns_no_more_than_a_burst():
    now = [0.0]
    budget = ErrorBudget(rate=2, burst=3, clock=lambda: now[0])
    budget.spend(b"a")
    now[0] = 1e9
    assert sum(budget.spend(b"a") for _ in range(10)) == 3


def test_memory_is_bounded_and_the_latest_are_kept():
    budget = ErrorBudget(rate=0, burst=1, clock=lambda: 0.0)
    for peer in range(10000):
        assert budget.spend(b"%d" % peer)
    assert len(budget._peers) == 256 and not budget.spend(b"9999")
