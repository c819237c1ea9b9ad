"""One owner at a time."""
import pytest

from quarl.host.errors import ToolError
from quarl.host.remote.lease import Lease
from tests.host.helpers import refused

FIX = "wait until that run ends; after 5 s of silence it loses the device"


@pytest.fixture
def now():
    return [100.0]


@pytest.fixture
def lease(now):
    return Lease(5, lambda: now[0])


def test_the_first_has_it_until_it_leaves(lease, now):
    owner = lease.take(1, lambda: "ann")
    now[0] += 3
    with refused(ToolError, "the device must be free", "busy, held by ann for 3 s", FIX):
        lease.take(2, lambda: "bob")
    assert lease.take(1, lambda: "another") is owner and owner.name == "ann"
    assert lease.held(2) is None and lease.held(1) is owner
    lease.release()
    assert lease.held(1) is None and lease.take(2, lambda: "bob").name == "bob"


def test_every_request_renews_it(lease, now):
    lease.take(1, lambda: "ann")
    for _ in range(5):
        now[0] += 4
        assert lease.held(1)
    with refused(ToolError, "the device must be free", "busy, held by ann for 20 s", FIX):
        lease.take(2, lambda: "bob")


def test_silence_loses_it_only_to_another(lease, now):
    owner = lease.take(1, lambda: "ann")
    now[0] += 1000
    assert lease.held(1) is owner
    now[0] += 5.1
    assert lease.take(2, lambda: "bob").name == "bob" and lease.held(1) is None


def test_who_lost_it_finds_its_last_answer_again(lease, now):
    owner = lease.take(1, lambda: "ann")
    owner.sequence, owner.answer, owner.peer = 9, b"nine", b"there"
    now[0] += 6
    lease.take(2, lambda: "bob")
    lease.release()
    back = lease.take(1, lambda: "ann again")
    assert back is owner and (back.sequence, back.answer, back.peer, back.since) == (9, b"nine", b"", 106.0)


def test_few_are_remembered(lease, now):
    for session in range(1000):
        lease.take(session, str)
        now[0] += 6
    assert len(lease._former) == 16
