"""A server, a client and an attacker in three processes, none of which is left in peace.

The client steps through numbered observations. Some of its frames are lost, doubled, sent again later, cut, too long
or random, and some answers never reach it. The attacker comes with wrong keys, none, junk, and floods. Clients are
killed, servers are ended and killed. Memory-mapped arrays that outlive all of them say what became of each step.
"""
from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from quarl.host import policy as package
from quarl.host.devices.integer import IntegerDevice
from quarl.host.errors import ToolError, UserError
from quarl.host.policy.integer import accumulators
from quarl.host.remote import keys, wire
from quarl.host.remote.client import RemoteDevice
from quarl.host.remote.server import serve

_FAULTS = 0.003                 # share of the frames to which something happens
_LEASE_S = 0.5
_BEGUN, _ANSWERED = 1, 2
_NEXT, _DONE = 0, 1             # progress: the next step's number, and how many have an answer
_REPEATED, _REPEATED_AFTER_END, _REPEATED_AFTER_KILL = range(3)


class _Ledger:
    """What became of each step, in files of ``folder`` that all processes map."""

    def __init__(self, folder: Path, steps: int = 0):
        self.folder = folder
        if steps:
            for name, kind, shape in (("answers", "<i4", (steps, 2)), ("state", "u1", (steps,)),
                                      ("life", "u1", (steps,)), ("progress", "<i8", (2,)), ("repeated", "<i8", (3,)),
                                      ("attacks", "<i8", (2,))):
                np.lib.format.open_memmap(str(folder / (name + ".npy")), "w+", kind, shape)
        self.answers, self.state, self.life, self.progress, self.repeated, self.attacks = (
            np.asarray(np.lib.format.open_memmap(str(folder / (name + ".npy")), "r+"))
            for name in ("answers", "state", "life", "progress", "repeated", "attacks"))

    @property
    def policy(self) -> package.Policy:
        return package.read(self.folder / "policy")


def _random_policy() -> package.Policy:
    """4-4-2 of random 4-bit weights: little work, so that most of the time goes into what is tested."""
    rng = np.random.default_rng(0)
    hidden = package.Layer(rng.integers(-8, 8, (4, 4)).astype(np.int8), 4,
                           np.sort(rng.integers(-1500, 1500, (4, 15)), axis=1).astype(np.int32), 4)
    last = package.Layer(rng.integers(-8, 8, (2, 4)).astype(np.int8), 4)
    ones, zeros = np.ones(4, np.float32), np.zeros(4, np.float32)
    return package.Policy("Soak-v0", "ppo", 8, (4,), package.ActionSpace("discrete", 2), "argmax", ones, zeros,
                          (hidden, last), ones[:2], zeros[:2])


def _codes(numbers: Any) -> np.ndarray:
    """Each step's number as its input codes, int8 [N, 4]."""
    return np.atleast_1d(np.asarray(numbers, "<u4")).view(np.int8).reshape(-1, 4)


class _Recorder(IntegerDevice):
    """The reference, which notes in the ledger which steps it was given before."""

    def __init__(self, ledger: _Ledger, life: int, after_kill: bool):
        super().__init__(ledger.policy)
        self._ledger, self._life = ledger, life
        self._before = _REPEATED_AFTER_KILL if after_kill else _REPEATED_AFTER_END

    def step(self, codes: np.ndarray) -> Any:
        number = int(codes.view("<u4")[0])
        earlier = self._ledger.life[number]
        if earlier:
            self._ledger.repeated[_REPEATED if earlier == self._life else self._before] += 1
        self._ledger.life[number] = self._life
        return super().step(codes)


class _BadNetwork:
    """A client's socket on which frames get lost, doubled, late, cut, too long or random, and answers get lost."""

    def __init__(self, inner: Any, chance: random.Random, largest: int):
        self._inner, self._chance, self._largest = inner, chance, largest
        self._earlier: list[bytes] = []

    def send(self, frame: bytes) -> None:
        if self._chance.random() < _FAULTS:
            junk = self._chance.randbytes(self._chance.randrange(5, 100))       # never as long as 4 codes
            strange = wire.pack(wire.STEP, self._chance.getrandbits(64), 1, junk)
            frames = self._chance.choice((
                [], [frame] * 3, [*self._earlier, frame], [frame, *self._earlier[::-1]], [frame[:-3]],
                [frame[:self._chance.randrange(len(frame))]], [bytes(self._largest + 1)], [frame + junk],
                [junk, frame], [frame[:wire.HEADER_BYTES] + junk], [strange, frame]))
            for each in frames:
                self._inner.send(each)
        else:
            self._inner.send(frame)
        self._earlier = [*self._earlier[-4:], frame]

    def recv(self) -> bytes:
        answer = self._inner.recv()
        return b"" if self._chance.random() < _FAULTS / 5 else answer


class _Client(RemoteDevice):
    """A remote device on a bad network."""

    def open(self) -> None:
        super().open()
        self._socket = _BadNetwork(self._socket, random.Random(), self._ours.frame_bytes)


def _serve(folder: Path, address: str, life: str, after_kill: str) -> None:
    ledger = _Ledger(folder)
    serve(ledger.policy, _Recorder(ledger, int(life), after_kill == "True"), address, folder / "keys", _LEASE_S,
          lambda text: None)


def _play(folder: Path, address: str, steps: str) -> None:
    """Step until ``steps`` have an answer. Whoever was killed in a step leaves it begun, and nobody begins it again."""
    ledger = _Ledger(folder)
    device = _Client(ledger.policy, address, folder / "keys", timeout_s=60, retry_s=0.03)
    while True:
        with contextlib.suppress(ToolError):            # busy, until the lease of a client that was killed runs out
            device.open()
            break
        time.sleep(0.02)
    with device:
        while ledger.progress[_DONE] < int(steps):
            number = int(ledger.progress[_NEXT])
            ledger.progress[_NEXT] = number + 1
            ledger.state[number] = _BEGUN
            ledger.answers[number] = device.step(_codes(number)[0]).accumulators
            ledger.state[number] = _ANSWERED
            ledger.progress[_DONE] += 1


def _attack(folder: Path, address: str) -> None:
    """Come in every way in which one must not get in, for ever; note attacks, and those that had another end."""
    ledger = _Ledger(folder)
    known, other, mixed = folder / "keys", folder / "other", folder / "mixed"

    def enter(key_folder: Path | None) -> bool:
        try:
            with RemoteDevice(ledger.policy, address, key_folder, timeout_s=5, retry_s=0.05):
                return False
        except UserError as error:
            return error.rule == "client and server must have each other's keys"
        except ToolError:
            return True                                  # between two servers nobody listens

    def junk() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(_host_port(address), 1) as raw:
            raw.sendall(os.urandom(200))
        return True

    def flood() -> bool:
        import zmq
        own = keys.of_client(known)
        context = zmq.Context()
        with contextlib.closing(context.socket(zmq.DEALER)) as each:
            each.linger, each.sndtimeo, each.immediate = 0, 1000, 1
            each.curve_publickey, each.curve_secretkey, each.curve_serverkey = *own.own, own.server
            each.connect(address)
            answers = 0
            with contextlib.suppress(zmq.Again):
                for size in range(200):
                    each.send(os.urandom(size) if size % 2 else wire.pack(wire.STEP, size, 1, bytes(4)))
                each.rcvtimeo = 200
                while True:
                    each.recv()
                    answers += 1
        context.term()
        return answers < 20

    while True:
        for attack in (lambda: enter(other), lambda: enter(mixed), lambda: enter(None), junk, flood):
            ledger.attacks += (1, not attack())
            time.sleep(0.1)


def _host_port(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    return host, int(port)


def _start(role: str, *arguments: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "benchmarks.soak", role, *map(str, arguments)])


def _resident(process: subprocess.Popen[bytes]) -> float:
    """MB of memory that ``process`` holds."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(steps: int, seed: int = 0) -> dict[str, float]:
    """Do ``steps`` steps that way, and count what went wrong: see the keys of the result."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package.write(_random_policy(), folder / "policy", b"")
        for each in ("keys", "other", "mixed"):
            keys.create(folder / each)
        (folder / "other" / "server.public").write_bytes((folder / "keys" / "server.public").read_bytes())
        (folder / "mixed" / "client.secret").write_bytes((folder / "keys" / "client.secret").read_bytes())
        kills, ends = max(2, steps // 20000), max(2, steps // 40000)
        return _Soak(_Ledger(folder, steps + kills), steps, random.Random(seed)).run(kills, ends)


class _Soak:
    """The three processes, and who of them has to die when."""

    def __init__(self, ledger: _Ledger, steps: int, chance: random.Random):
        self._ledger, self._steps, self._chance = ledger, steps, chance
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._address = "tcp://127.0.0.1:%d" % probe.getsockname()[1]
        self._life = self._crashes = self._killed_servers = 0
        self._new_server(after_kill=False)
        self._new_client()
        self._attacker = _start("attack", ledger.folder, self._address)

    def _new_server(self, after_kill: bool) -> None:
        self._life += 1
        self._server = _start("serve", self._ledger.folder, self._address, self._life, after_kill)

    def _new_client(self) -> None:
        self._client = _start("play", self._ledger.folder, self._address, self._steps)

    def run(self, kills: int, ends: int) -> dict[str, float]:
        """Servers end in the first half, one after the other by SIGTERM and SIGKILL, clients die all the time."""
        start, memory = time.perf_counter(), 0.0
        plan = sorted([(self._chance.uniform(0.02, 0.5), "server") for _ in range(ends)]
                      + [(self._chance.uniform(0.02, 0.98), "client") for _ in range(kills)])
        try:
            while self._client.poll() is None:
                time.sleep(0.005)
                share = self._ledger.progress[_DONE] / self._steps
                if plan and share >= plan[0][0]:
                    if plan.pop(0)[1] == "client":
                        self._kill_client()
                    else:
                        self._end_server()
                if not memory and share > 0.55:
                    memory = _resident(self._server)
                self._crashes += self._server.poll() is not None
                if self._crashes or self._attacker.poll() is not None:
                    raise RuntimeError("the server or the attacker has ended by itself")
            growth = _resident(self._server) - memory
            self._server.send_signal(signal.SIGTERM)
            self._crashes += self._server.wait(60) != 0 or self._client.returncode != 0
        finally:
            for process in (self._client, self._server, self._attacker):
                process.kill()
                process.wait()
        return {"seconds": time.perf_counter() - start, "memory_growth_mb": growth, **self._count()}

    def _kill_client(self) -> None:
        self._client.kill()
        self._client.wait()
        self._new_client()

    def _end_server(self) -> None:
        kill = self._life % 2 == 0
        self._killed_servers += kill
        self._server.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self._crashes += self._server.wait(60) != (-signal.SIGKILL if kill else 0)
        self._new_server(kill)

    def _count(self) -> dict[str, float]:
        ledger = self._ledger
        answered = np.flatnonzero(ledger.state == _ANSWERED)
        wrong = (ledger.answers[answered] != accumulators(ledger.policy, _codes(answered))).any(axis=1)
        return {"answered": len(answered), "wrong": int(wrong.sum()), "crashes": self._crashes,
                "second_inferences": int(ledger.repeated[_REPEATED] + ledger.repeated[_REPEATED_AFTER_END]),
                "second_inferences_after_sigkill": int(ledger.repeated[_REPEATED_AFTER_KILL]),
                "server_sigkills": self._killed_servers, "server_lives": self._life,
                "attacks": int(ledger.attacks[0]), "attacks_that_got_in": int(ledger.attacks[1])}


if __name__ == "__main__":
    roles: dict[str, Callable[..., None]] = {"serve": _serve, "play": _play, "attack": _attack}
    roles[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
