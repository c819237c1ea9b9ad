"""Addresses of servers."""
import pytest

from quarl.host.errors import UserError
from quarl.host.remote import address
from tests.host.helpers import refused


@pytest.mark.parametrize(("good", "loopback"), [
    ("tcp://127.0.0.1:5555", True), ("tcp://127.9.9.9:1", True), ("tcp://localhost:0", True),
    ("tcp://[::1]:5555", True),
    ("tcp://0.0.0.0:5555", False), ("tcp://*:5555", False), ("tcp://eth0:5555", False), ("tcp://[::]:5555", False),
    ("tcp://192.168.2.99:5555", False), ("tcp://pynq.local:5555", False), ("tcp://localhost.evil:5555", False)])
def test_loopback(good, loopback):
    assert address.require(good) == good and address.is_loopback(good) is loopback


@pytest.mark.parametrize("bad", ["", "tcp://", "127.0.0.1:5555", "udp://127.0.0.1:1", "tcp://127.0.0.1", "tcp://:5555",
                                 "tcp://h:65536", "tcp://h:x", "tcp://h:-1", "ipc:///tmp/x"])
def test_no_address(bad):
    with refused(UserError, "the address must be tcp://HOST:PORT", bad, "write for example tcp://127.0.0.1:5555"):
        address.require(bad)
