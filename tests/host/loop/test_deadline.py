"""The ticks, on a clock that the test turns."""
import pytest

from quarl.host.loop import deadline
from quarl.host.loop.deadline import Deadline

MS = 1_000_000


class Clock:
    """Stands for the module ``time``: polling takes 1 us, sleeping what it should and ``oversleep``."""

    def __init__(self):
        self.now, self.slept, self.oversleep = 5 * MS, 0, 0

    def perf_counter_ns(self):
        self.now += 1000
        return self.now

    def sleep(self, seconds):
        self.slept += round(seconds * 1e9)
        self.now += round(seconds * 1e9) + self.oversleep


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(deadline, "time", found)
    return found


def played(clock, works):
    """Lateness of steps, of which each takes so many ms, and when each began, in ms after the first."""
    late, begun = [], []
    ticks = Deadline(1000)
    for work in works:
        late.append(ticks.wait())
        begun.append(clock.now)
        clock.now += round(work * MS)
    return [each / MS for each in late], [(each - begun[0]) / MS for each in begun]


def test_quick_steps_begin_on_the_ticks(clock):
    late, begun = played(clock, [0.25, 0.5, 0.9, 0.1, 0])
    assert late == pytest.approx([0, -0.75, -0.5, -0.1, -0.9], abs=0.005)
    assert begun == pytest.approx([0, 1, 2, 3, 4], abs=0.005)


def test_it_sleeps_but_for_the_last_fifth_of_a_millisecond(clock):
    played(clock, [0.25, 0])
    assert clock.slept == pytest.approx(0.55 * MS, abs=5000)
    clock.slept = 0
    played(clock, [0.85, 0])
    assert clock.slept == 0


def test_a_slow_step_makes_the_next_late_and_no_other(clock):
    late, begun = played(clock, [0.5, 1.25, 0.5, 0.5])
    assert late == pytest.approx([0, -0.5, 0.25, -0.25], abs=0.005)
    assert begun == pytest.approx([0, 1, 2.25, 3], abs=0.005)


def test_ticks_that_a_step_ran_over_are_skipped(clock):
    late, begun = played(clock, [3.5, 0.25, 0.25])
    assert late == pytest.approx([0, 2.5, -0.25], abs=0.005)
    assert begun == pytest.approx([0, 3.5, 4], abs=0.005)


def test_a_machine_that_sleeps_too_long_is_late(clock):
    clock.oversleep = MS // 2
    late, begun = played(clock, [0.1, 0])
    assert late == pytest.approx([0, 0.3], abs=0.005)
    assert begun == pytest.approx([0, 1.3], abs=0.005)


def test_a_restart_makes_nothing_late(clock):
    ticks = Deadline(1000)
    ticks.wait()
    clock.now += 7 * MS
    ticks.restart()
    assert ticks.wait() == 0
    clock.now += MS // 2
    assert ticks.wait() == pytest.approx(-MS // 2, abs=5000)
