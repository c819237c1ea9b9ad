"""One core for both ends of a connection: which, who is on it, and that nobody stays there who has work elsewhere."""
import os
import threading

import pytest

from quarl.host.remote.client import RemoteDevice
from quarl.host.remote.cpu_core import Core, threads
from tests.host.remote.helpers import POLICY, CountingDevice, codes, serving


def here():
    return os.sched_getaffinity(0)


def test_the_port_chooses_one_of_the_cores_that_are_allowed():
    cores = sorted(here())
    for port in range(5555, 5555 + 2 * len(cores)):
        with Core("tcp://127.0.0.1:%d" % port):
            assert here() == {cores[port % len(cores)]}
        with Core("tcp://*:%d" % port):
            assert here() == {cores[port % len(cores)]}


def test_a_thread_leaves_it_as_it_came():
    before = here()
    with pytest.raises(KeyError), Core("tcp://127.0.0.1:5555"):
        raise KeyError
    assert here() == before
    core = Core("tcp://127.0.0.1:5555")
    fewer = {max(before)}
    try:
        os.sched_setaffinity(0, fewer)
        with core:
            pass
        assert here() == fewer
    finally:
        os.sched_setaffinity(0, before)


def test_other_threads_are_kept_there_and_those_that_ended_do_not_matter():
    go, before, core = threading.Event(), threads(), Core("tcp://127.0.0.1:5555")
    thread = threading.Thread(target=go.wait)
    thread.start()
    try:
        assert threads() - before == {thread.native_id}
        core.keep([thread.native_id])
        with core:
            assert os.sched_getaffinity(thread.native_id) == here()
    finally:
        go.set()
        thread.join()
    core.keep([2 ** 30])


def test_one_thread_is_held_until_it_is_released_or_another_comes():
    before, core = here(), Core("tcp://127.0.0.1:5555")
    with core:
        there = here()
    core.hold()
    core.hold()
    assert here() == there
    seen = []
    thread = threading.Thread(target=lambda: (core.hold(), seen.append(here()), core.release(), seen.append(here())))
    main = os.sched_getaffinity(threading.get_native_id())
    thread.start()
    thread.join()
    assert main == there and seen[0] == there and here() == before
    core.release()
    assert here() == before


def test_an_end_on_another_machine_moves_nobody():
    before, core = here(), Core("tcp://192.0.2.1:5555", near=False)
    core.hold()
    with core:
        assert here() == before
    core.release()


def test_where_threads_cannot_be_told_nothing_happens(monkeypatch):
    before = here()
    with monkeypatch.context() as patch:
        patch.setattr(os, "sched_setaffinity", lambda *_: os.stat("/none"))
        with Core("tcp://127.0.0.1:5555"):
            assert here() == before
        patch.delattr(os, "sched_setaffinity")
        with Core("tcp://127.0.0.1:5555"):
            assert here() == before


class Watching(CountingDevice):
    """Keeps where the server's thread was at each step."""

    def step(self, codes):
        self.cores = here()
        return super().step(codes)


class Watched:
    """A socket that keeps where the client's thread waits."""

    def __init__(self, socket):
        self.send, self._recv = socket.send, socket.recv

    def recv(self):
        self.cores = here()
        return self._recv()


def step_at(address, served):
    """Where client and server were during a step, and where the threads are that ZeroMQ made for the client."""
    before, others = here(), threads()
    with RemoteDevice(POLICY, address) as device:
        made = [os.sched_getaffinity(thread) for thread in threads() - others]
        device._socket = watched = Watched(device._socket)
        device.step(codes(1)[0])
        assert here() == watched.cores
    assert here() == before
    return watched.cores, served.cores, made


def test_client_and_server_of_one_machine_meet():
    served, others = Watching(), threads()
    with serving(served) as server:
        made = [os.sched_getaffinity(thread) for thread in threads() - others]
        with Core(server.address):
            core = here()
        client, at_server, of_client = step_at(server.address, served)
        assert client == at_server == core
        assert len(of_client) >= 2 and all(cores == core for cores in of_client)
        assert sum(cores == core for cores in made) >= 2


def test_a_client_of_another_machine_stays_where_it_is():
    served = Watching()
    with serving(served) as server:
        address = server.address.replace("127.0.0.1", "0.0.0.0")        # this machine too, but it does not say so
        client, _, of_client = step_at(address, served)
        assert client == here() and all(cores == here() for cores in of_client)
