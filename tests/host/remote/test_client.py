"""The remote device against a server: requests are done once, whatever the network does, and errors are clear."""
import dataclasses
import re
import threading
import time

import numpy as np
import pytest

from quarl.host.accelerator import description
from quarl.host.devices.integer import IntegerDevice
from quarl.host.errors import ToolError, UserError
from quarl.host.policy import ActionSpace
from quarl.host.policy.integer import accumulators
from quarl.host.remote import keys, wire
from quarl.host.remote.client import RemoteDevice
from tests.device_contract import DeviceContract
from tests.host.devices.bridge_model import BridgeModel, ModelDevice, describe
from tests.host.helpers import random_policy, refused
from tests.host.remote.helpers import POLICY, CountingDevice, codes, free_port, serving

SILENT = "the server must answer within its time"
LOOK = "start `quarl serve` there, and look at its output and at the firewall"
STRANGERS = "client and server must have each other's keys"


@pytest.fixture
def key_folder(tmp_path):
    keys.create(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture(params=["keys", "no keys"])
def access(request, key_folder):
    return key_folder if request.param == "keys" else None


class TestContract(DeviceContract):
    """A remote device is a device, whatever serves it."""

    @pytest.fixture(scope="class", params=[(4, 0), (8, 0), (8, 2)], ids=["4 bits", "8 bits", "actions from 2"])
    def policy(self, request):
        bits, start = request.param
        policy = random_policy([5, 7, 3], 4, 3, bits, seed=0)
        return dataclasses.replace(policy, action=ActionSpace("discrete", 3, start=start))

    @pytest.fixture(params=["integer", "bridge"])
    def make(self, request, policy, tmp_path):
        served = IntegerDevice(policy)
        if request.param == "bridge":
            served = ModelDevice(policy, tmp_path, BridgeModel(policy, describe(policy, tmp_path)))
        with serving(served) as server:
            yield lambda: RemoteDevice(policy, server.address)


def test_the_servers_accelerator_is_known_to_the_client(tmp_path):
    served = ModelDevice(POLICY, tmp_path, BridgeModel(POLICY, describe(POLICY, tmp_path)))
    with serving(served) as server, RemoteDevice(POLICY, server.address) as device:
        assert device.stats()["accelerator"] == description.read(tmp_path).hash


def test_steps_are_the_reference(access):
    rows = codes(200)
    with serving(keys=access) as server, RemoteDevice(POLICY, server.address, access) as device:
        assert device.name == "remote"
        replies = [device.step(row) for row in rows]
        assert device.stats() == {"inferences": 200, "step": "c"}
        device.reset()
        batch = device.step_many(rows)
    assert np.array_equal([reply.accumulators for reply in replies], accumulators(POLICY, rows))
    assert np.array_equal([reply.accumulators for reply in batch], accumulators(POLICY, rows))
    assert all(reply.cycles == 7 and reply.accumulators.dtype == np.int32 and reply.network_ns > 0
               for reply in replies + batch)


def test_a_batch_larger_than_a_frame():
    rows = codes(wire.Identity.of(POLICY).batch + 5)
    counting = CountingDevice()
    with serving(counting) as server, RemoteDevice(POLICY, server.address) as device:
        replies = device.step_many(rows)
        assert device.step_many(rows[:0]) == []
    assert np.array_equal([reply.accumulators for reply in replies], accumulators(POLICY, rows))
    assert counting.seen == [row.tobytes() for row in rows]


class Unreliable(RemoteDevice):
    """Sends what ``tamper`` makes of each frame, and receives each answer twice and late answers first."""

    def __init__(self, *args, tamper, **settings):
        super().__init__(*args, **settings)
        self._tamper = tamper

    def open(self):
        super().open()
        self._socket = Tampered(self._socket, self._tamper)


class Tampered:
    """A socket whose sent frames are replaced by the list that ``tamper(frame, earlier)`` returns."""

    def __init__(self, socket, tamper):
        self._socket, self._tamper, self._earlier = socket, tamper, []

    def send(self, frame):
        for each in self._tamper(frame, self._earlier):
            self._socket.send(each)
        self._earlier.append(frame)

    def recv(self):
        return self._socket.recv()


def lose_every_other_try(frame, earlier):
    """The first try of every request is lost."""
    return [] if frame not in earlier else [frame]


def duplicate_and_reorder(frame, earlier):
    return [*earlier[-3:], frame, frame, *earlier[:-3:-1], frame]


def spoil(frame, earlier):
    """The first try of every request is cut, too long or random."""
    return [frame] if frame in earlier else [frame[:-1], frame + b"x", frame[:20], b"", frame[::-1], frame * 2]


@pytest.mark.parametrize("tamper", [lose_every_other_try, duplicate_and_reorder, spoil])
def test_every_step_is_done_once_whatever_becomes_of_its_frames(tamper, access):
    rows = codes(40)
    counting = CountingDevice()
    with serving(counting, access) as server, Unreliable(
            POLICY, server.address, access, timeout_s=60, retry_s=0.02, tamper=tamper) as device:
        replies = [device.step(row) for row in rows]
    assert np.array_equal([reply.accumulators for reply in replies], accumulators(POLICY, rows))
    assert counting.seen == [row.tobytes() for row in rows]


def test_an_answer_that_is_lost_is_sent_again():
    counting = CountingDevice()
    with serving(counting) as server, RemoteDevice(POLICY, server.address, timeout_s=60, retry_s=0.02) as device:
        recv, lost = device._socket.recv, []

        class Deaf:
            send = device._socket.send

            def recv(self):
                data = recv()
                if wire.unpack(data).sequence in lost:
                    return data
                lost.append(wire.unpack(data).sequence)
                return b""

        device._socket = Deaf()
        for row in codes(10):
            device.step(row)
        assert server.counters["repeated"] >= 10
    assert counting.seen == [row.tobytes() for row in codes(10)]


def test_an_error_of_the_served_device_arrives_and_the_next_step_works():
    counting = CountingDevice()
    with serving(counting) as server, RemoteDevice(POLICY, server.address) as device:
        counting.error = ToolError("it must not smoke", "smoke", "call for help")
        with refused(ToolError, "it must not smoke", "smoke", "call for help"):
            device.step(codes(1)[0])
        counting.error = None
        assert np.array_equal(device.step(codes(1)[0]).accumulators, accumulators(POLICY, codes(1))[0])
    assert len(counting.seen) == 2


def test_one_at_a_time_and_the_next_as_soon_as_the_first_closes(access):
    with serving(keys=access) as server:
        first, second = (RemoteDevice(POLICY, server.address, access) for _ in range(2))
        with first:
            name = "client at 127.0.0.1"
            with refused(ToolError, "the device must be free", re.compile(rf"busy, held by {name} for \d+ s"),
                         "wait until that run ends; after 10 s of silence it loses the device"):
                second.open()
            first.step(codes(1)[0])
        with second:
            second.step(codes(1)[0])


def test_who_falls_silent_loses_the_device_and_gets_it_again_when_it_is_free():
    with serving(lease_s=0.05) as server:
        first, second = (RemoteDevice(POLICY, server.address) for _ in range(2))
        with first:
            first.step(codes(1)[0])
            while True:                                 # the lease runs out some time
                try:
                    second.open()
                    break
                except ToolError as error:
                    assert error.rule == "the device must be free"
            second.close()
            assert np.array_equal(first.step(codes(1)[0]).accumulators, accumulators(POLICY, codes(1))[0])
    assert server.counters["sessions"] == 3


def test_a_dead_server_is_an_error_in_time():
    address = f"tcp://127.0.0.1:{free_port()}"
    start = time.monotonic()
    with refused(ToolError, SILENT, f"nobody listens at {address}", LOOK):
        RemoteDevice(POLICY, address, timeout_s=0.5).open()
    assert 0.5 <= time.monotonic() - start < 30


def test_a_server_that_dies_is_an_error_in_time_and_leaving_it_is_none():
    with serving() as server:
        device = RemoteDevice(POLICY, server.address, timeout_s=0.6, retry_s=0.1)
        device.open()
        device.step(codes(1)[0])
    with refused(ToolError, SILENT, re.compile(rf"(nobody listens|no answer) at {server.address}"), LOOK):
        device.step(codes(1)[0])
    device.close()
    device.close()


def test_a_server_that_restarts_in_between_is_found_again(access):
    rows = codes(30)
    with serving(keys=access) as server:
        device = RemoteDevice(POLICY, server.address, access, timeout_s=60, retry_s=0.05)
        device.open()
        found = [device.step(row).accumulators for row in rows[:10]]
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(device.step(rows[10])))
    waiting.start()                                     # in vain, until there is a server
    counting = CountingDevice()
    with serving(counting, access, bind=server.address):
        waiting.join()
        found += [answers[0].accumulators, *(device.step(row).accumulators for row in rows[11:])]
        device.close()
    assert np.array_equal(found, accumulators(POLICY, rows))
    assert counting.seen == [row.tobytes() for row in rows[10:]]


@pytest.mark.parametrize("sizes", [[5, 8, 3], [4, 8, 2], [4, 9, 3]])
def test_another_policy_is_refused(sizes):
    other = random_policy(sizes, 4, 3, 8, seed=0)
    rule = "the policy must be the one that is served" if sizes == [4, 9, 3] else "the policy must have the geometry"
    with serving() as server:
        with pytest.raises(UserError, match=rf"^{rule}"):
            RemoteDevice(other, server.address).open()
        with RemoteDevice(POLICY, server.address) as device:
            device.step(codes(1)[0])


def test_a_key_that_the_server_does_not_know(key_folder, tmp_path):
    keys.create(tmp_path / "other")
    (tmp_path / "other" / "server.public").write_bytes((key_folder / "server.public").read_bytes())
    with serving(keys=key_folder) as server, refused(
            UserError, STRANGERS, f"a refusal by {server.address}",
            "copy the client's public key into clients/ of the server's keys, and start the server again"):
        RemoteDevice(POLICY, server.address, tmp_path / "other", timeout_s=60).open()


def test_no_key_where_the_server_wants_one(key_folder):
    with serving(keys=key_folder) as server, refused(
            UserError, STRANGERS, f"a failed handshake with {server.address}",
            "pass the folder of the keys with --keys"):
        RemoteDevice(POLICY, server.address, timeout_s=60).open()


def test_the_key_of_another_server(key_folder, tmp_path):
    keys.create(tmp_path / "other")
    (key_folder / "server.public").write_bytes((tmp_path / "other" / "server.public").read_bytes())
    with serving(keys=key_folder) as server, refused(
            UserError, STRANGERS, f"a failed handshake with {server.address}",
            "copy server.public from the server's keys, or leave out --keys if it has none"):
        RemoteDevice(POLICY, server.address, key_folder, timeout_s=60).open()


def test_keys_for_a_server_without(key_folder):
    with serving() as server, refused(
            UserError, STRANGERS, f"a failed handshake with {server.address}",
            "copy server.public from the server's keys, or leave out --keys if it has none"):
        RemoteDevice(POLICY, server.address, key_folder, timeout_s=60).open()


def test_keys_that_are_not_there(tmp_path):
    with pytest.raises(UserError, match=r"^a key file must be there"):
        RemoteDevice(POLICY, "tcp://127.0.0.1:1", tmp_path).open()


def test_an_address_that_is_none():
    with pytest.raises(UserError, match=r"^the address must be tcp://HOST:PORT, found localhost"):
        RemoteDevice(POLICY, "localhost")


@pytest.mark.parametrize("use", [lambda device: device.step(codes(1)[0]), lambda device: device.reset(),
                                 lambda device: device.stats(), lambda device: device.step_many(codes(2))],
                         ids=["step", "reset", "stats", "step_many"])
def test_a_closed_device(use):
    with refused(UserError, "a device must be open", "a closed one", "use it as a context manager, or call open()"):
        use(RemoteDevice(POLICY, "tcp://127.0.0.1:1"))
