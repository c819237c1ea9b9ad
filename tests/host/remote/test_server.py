"""The server's sockets: who gets in, what a flood does, and how it ends."""
import os
import re
import signal
import subprocess
import sys

import pytest
import zmq

from quarl.host import policy as package
from quarl.host.errors import ToolError, UserError
from quarl.host.remote import keys, wire
from quarl.host.remote.client import RemoteDevice
from quarl.host.remote.server import Server, serve
from tests.host.helpers import refused
from tests.host.remote.helpers import POLICY, CountingDevice, codes, serving

# Serves the package at sys.argv[1]; prints one line for each step that begins, and takes its time over it.
SLOW_SERVER = """
import sys, time
from quarl.host import policy
from quarl.host.devices.integer import IntegerDevice
from quarl.host.remote.server import serve

class Slow(IntegerDevice):
    def step(self, codes):
        print("step", flush=True)
        time.sleep(0.3)
        return super().step(codes)

policy = policy.read(sys.argv[1])
serve(policy, Slow(policy), "tcp://127.0.0.1:0", sys.argv[2], say=lambda text: print(text, flush=True))
"""


@pytest.fixture
def raw():
    """Connect a bare DEALER to an address."""
    context = zmq.Context()

    def connect(address):
        socket = context.socket(zmq.DEALER)
        socket.linger, socket.rcvtimeo, socket.sndtimeo = 0, 20000, 20000
        socket.connect(address)
        return socket

    yield connect
    context.destroy(linger=0)


@pytest.mark.parametrize("bind", ["tcp://0.0.0.0:0", "tcp://*:0", "tcp://192.0.2.1:5555", "tcp://[::]:0"])
def test_without_keys_only_loopback_will_do(bind):
    with refused(UserError, "a server without keys must listen on loopback", bind,
                 "make keys with `quarl keys DIR` and pass them with --keys DIR"):
        Server(POLICY, CountingDevice(), bind)


@pytest.mark.parametrize("lease", [0.0, -1.0, float("nan"), float("inf")])
def test_a_lease_is_positive(lease):
    with refused(UserError, "a lease must be a positive number of seconds", str(lease), "leave --lease at 10"):
        Server(POLICY, CountingDevice(), "tcp://127.0.0.1:0", lease_s=lease)


def test_with_keys_it_may_listen_anywhere(tmp_path):
    keys.create(tmp_path)
    with serving(keys=tmp_path, bind="tcp://0.0.0.0:0") as server:
        address = server.address.replace("0.0.0.0", "127.0.0.1")
        with RemoteDevice(POLICY, address, tmp_path) as device:
            assert len(device.step(codes(1)[0]).accumulators) == 3


def test_an_address_that_is_taken():
    with serving() as server, refused(
            ToolError, "the server must be able to listen at its address",
            re.compile(rf"Address already in use.* at {server.address}"),
            "choose another address or port, or end the server that is there"):
        Server(POLICY, CountingDevice(), server.address)


def test_the_device_is_closed_when_the_server_cannot_start():
    device = CountingDevice()
    with pytest.raises(UserError, match=r"^the address must be tcp://HOST:PORT"):
        serve(POLICY, device, "nowhere")
    with pytest.raises(UserError, match=r"^a device must be open"):
        device.stats()


def test_it_says_who_comes_and_goes(tmp_path):
    keys.create(tmp_path)
    (tmp_path / "clients" / "client.public").rename(tmp_path / "clients" / "ann.public")
    said = []
    with serving(keys=tmp_path, say=said.append) as server, RemoteDevice(POLICY, server.address, tmp_path):
        pass
    with serving(say=said.append) as server, RemoteDevice(POLICY, server.address):
        pass
    assert said == ["ann at 127.0.0.1 has the device", "ann at 127.0.0.1 has left",
                    "client at 127.0.0.1 has the device", "client at 127.0.0.1 has left"]


def test_strange_messages_do_not_harm_the_owner(raw):
    counting = CountingDevice()
    with serving(counting) as server, RemoteDevice(POLICY, server.address) as device:
        stranger = raw(server.address)
        stranger.send_multipart([b"a", b"b", b"c"])
        for size in range(60):
            stranger.send(os.urandom(size))
        answers = []
        for _ in range(2):
            device.step(codes(1)[0])
            answers.append(wire.unpack_error(wire.unpack(stranger.recv()).payload)[1].found)
        assert answers == ["a message of several parts", "a frame of 0 bytes, shorter than its header"]
        large = raw(server.address)
        large.send(bytes(2 * wire.Identity.of(POLICY).frame_bytes))         # ZeroMQ itself hangs up
        device.step(codes(1)[0])
        # The stranger's 61 messages are answered by 5 errors at once, and few more while time passes.
        stranger.send(wire.pack(wire.STATS, 77, 1))
        while server.counters["malformed"] < 61:
            device.stats()
        stranger.rcvtimeo = 0
        received = 2
        with pytest.raises(zmq.Again):
            while True:
                stranger.recv()
                received += 1
        assert received < 30
    assert len(counting.seen) == 3


@pytest.fixture
def slow_server(tmp_path):
    package.write(POLICY, tmp_path / "policy", b"")
    keys.create(tmp_path / "keys")
    process = subprocess.Popen([sys.executable, "-c", SLOW_SERVER, str(tmp_path / "policy"), str(tmp_path / "keys")],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield process, tmp_path / "keys"
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_step_under_way_finish_and_tells_the_owner(slow_server, number):
    process, folder = slow_server
    line = process.stdout.readline()
    address = re.fullmatch(r"serving Toy-v0 \(policy [0-9a-f]{12}…\) on device integer at (tcp://127\.0\.0\.1:\d+), "
                           r"with keys\n", line)[1]
    with RemoteDevice(POLICY, address, folder, timeout_s=30) as device:
        assert process.stdout.readline() == "client at 127.0.0.1 has the device\n"
        row = codes(1)[0]
        device.step(row)
        assert process.stdout.readline() == "step\n"
        sequence = device._sequence + 1
        device._socket.send(wire.pack(wire.STEP, device._session, sequence, row.tobytes()))
        assert process.stdout.readline() == "step\n"
        process.send_signal(number)
        device._socket.rcvtimeo = 30000
        told = [wire.unpack(device._socket.recv())]
        while told[-1].kind != wire.ENDING:
            told.append(wire.unpack(device._socket.recv()))
        assert (told[-2].kind, told[-2].sequence) == (wire.RESULT, sequence)
        assert process.wait(30) == 0
        assert process.communicate() == ("ended after 2 inferences\n", "")
