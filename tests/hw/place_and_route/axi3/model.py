"""An AXI3 master and an AXI4-Lite slave, both random, and what an adapter between them has to do.

Written from Arm's IHI 0022, section A3.4.1, in absolute addresses, and not from the RTL.
"""
from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

FIXED, INCR, WRAP = range(3)
PACE = 40    # cycles for which every channel keeps its own readiness
STUCK = 3000    # cycles without any progress: far more than the slowest pace needs


@dataclass
class Burst:
    """One transaction; ``beats`` counts those that the slave has answered, ``worst`` is the worst of the answers."""

    ident: int
    start: int
    length: int    # beats
    size: int      # log2 of the bytes of a beat
    kind: int
    beats: int = 0
    worst: int = 0

    @property
    def address(self) -> tuple[int, int, int, int, int]:
        """What the address channel shows: ID, address, AxLEN, AxSIZE, AxBURST."""
        return self.ident, self.start, self.length - 1, self.size, self.kind

    def at(self, beat: int) -> int:
        """The address of a beat, as the standard's formulas give it."""
        size = 1 << self.size
        if self.kind == FIXED or beat == 0:
            return self.start
        address = self.start // size * size + beat * size
        total = size * self.length
        lowest = self.start // total * total
        return address - total if self.kind == WRAP and address >= lowest + total else address

    def lanes(self, beat: int) -> int:
        """The strobes that a beat may have."""
        size, address = 1 << self.size, self.at(beat)
        first, last = address % 4, address // size * size % 4 + size
        return sum(1 << lane for lane in range(first, last))


def random_burst(aw: int, iw: int) -> Burst:
    """A legal burst: WRAP is aligned and of 2, 4, 8 or 16 beats, INCR stays within 4 KiB."""
    kind, size = random.choice((FIXED, INCR, INCR, WRAP)), random.choice((0, 1, 2, 2))
    length = random.choice((2, 4, 8, 16)) if kind == WRAP else random.choice((1, 1, random.randint(1, 16)))
    start = random.randrange(1 << aw)
    if kind == WRAP:
        start &= -(1 << size)
    elif kind == INCR:
        start = min(start, (start | 0xFFF) + 1 - (length << size)) if random.random() < 0.9 else start & -4096
    return Burst(random.randrange(1 << iw), start, length, size, kind)


@dataclass
class Side:
    """What writes and reads share: random bursts, random readiness, and a count of what happened."""

    aw: int
    iw: int
    todo: int
    seen: Counter[str] = field(default_factory=Counter)
    pace: dict[str, float] = field(default_factory=dict)
    waited: int = 0
    now: int = 0

    def tick(self, progress: bool) -> None:
        """One more cycle. Raises AssertionError when the adapter does not go on."""
        self.now += 1
        self.waited = 0 if progress or not self.todo else self.waited + 1
        assert self.waited < STUCK, "the adapter does not go on"

    def ready(self, channel: str) -> bool:
        """Whether a channel is ready, or shows something, in this cycle."""
        if self.now % PACE == 0 or channel not in self.pace:
            self.pace[channel] = random.choice((1, 1, 0.9, 0.5, 0.2))
        return random.random() < self.pace[channel]

    def count(self, burst: Burst) -> None:
        """A burst is over."""
        self.todo -= 1
        kind = ("fixed", "incr", "wrap")[burst.kind]
        self.seen.update(["bursts", kind, f"{1 << burst.size} bytes"])
        if burst.start % (1 << burst.size):
            self.seen[f"unaligned {kind}"] += 1
        if burst.length == 16:
            self.seen["16 beats"] += 1
        if burst.worst:
            self.seen["error"] += 1


class Writes(Side):
    """AW, W and B of the master, and of the slave."""

    def __init__(self, aw: int, iw: int, todo: int):
        super().__init__(aw, iw, todo)
        self.addresses: deque[Burst] = deque()
        self.beats: deque[tuple[Burst, int, int, int]] = deque()     # burst, number, data, strobes
        self.open: deque[Burst] = deque()                            # no response yet
        self.due: deque[tuple[Burst, int, int, int]] = deque()       # burst, address, data, strobes: for the slave
        self.address: Burst | None = None
        self.beat: tuple[Burst, int, int, int] | None = None
        self.slave_address: int | None = None
        self.slave_data: tuple[int, int] | None = None
        self.response: int | None = None

    def drive(self) -> Iterable[tuple[str, int]]:
        """What master and slave show in this cycle."""
        while len(self.open) < min(4, self.todo):
            burst = random_burst(self.aw, self.iw)
            self.open.append(burst)
            self.addresses.append(burst)
            for beat in range(burst.length):
                lanes = burst.lanes(beat)
                strobes = lanes if random.random() < 0.7 else lanes & random.getrandbits(4)
                self.beats.append((burst, beat, random.getrandbits(32), strobes))
        if self.address is None and self.addresses and self.ready("aw"):
            self.address = self.addresses.popleft()
        if self.beat is None and self.beats and self.ready("w"):
            self.beat = self.beats.popleft()
            # Data of a burst whose address has not even been shown
            self.seen["data first"] += self.beat[1] == 0 and self.beat[0] in self.addresses
        written = self.slave_address is not None and self.slave_data is not None
        if self.response is None and written and self.ready("mb"):
            self.response = random.choice((0, 0, 0, 0, 0, 0, 2, 3))
        if self.address is not None:
            yield from zip(("awid", "awaddr", "awlen", "awsize", "awburst"), self.address.address, strict=True)
            yield "awvalid", 1
        if self.beat is not None:
            yield from (("wdata", self.beat[2]), ("wstrb", self.beat[3]), ("wvalid", 1))
        yield "bready", self.ready("b")
        yield "m_awready", self.slave_address is None and self.ready("maw")
        yield "m_wready", self.slave_data is None and self.ready("mw")
        if self.response is not None:
            yield from (("m_bresp", self.response), ("m_bvalid", 1))

    def check(self, shown: dict[str, int], pins: dict[str, int]) -> None:
        """Compare, and take what is handed over at the end of this cycle."""
        if pins["bvalid"]:
            burst = self.open[0] if self.open else None
            assert burst is not None and burst.beats == burst.length, "a response before its last beat"
            assert (pins["bid"], pins["bresp"]) == (burst.ident, burst.worst), (
                f"response {pins['bid']:#x}, {pins['bresp']} to {burst}")
            if shown["bready"]:
                self.open.popleft()
                self.count(burst)
        if self.response is not None and pins["m_bready"]:
            burst, *expected = self.due.popleft()
            found = [self.slave_address, *(self.slave_data or ())]
            assert found == expected, f"wrote {found} instead of {expected} of {burst}"
            burst.beats, burst.worst = burst.beats + 1, burst.worst | self.response
            self.response = self.slave_address = self.slave_data = None
        if pins["m_awvalid"] and shown.get("m_awready"):
            self.slave_address = pins["m_awaddr"]
        if pins["m_wvalid"] and shown.get("m_wready"):
            self.slave_data = pins["m_wdata"], pins["m_wstrb"]
        assert self.due or not (pins["m_awvalid"] or pins["m_wvalid"]), "a write that was not asked for"
        if self.address is not None and pins["awready"]:
            self.address = None
        progress = self.beat is not None and pins["wready"]
        if self.beat is not None and pins["wready"]:
            burst, number, data, strobes = self.beat
            self.beat = None
            if strobes:
                self.due.append((burst, burst.at(number) & ~3, data, strobes))
            else:
                burst.beats += 1
                self.seen["no strobes"] += 1
        self.tick(bool(progress))


class Reads(Side):
    """AR and R of the master, and of the slave."""

    def __init__(self, aw: int, iw: int, todo: int):
        super().__init__(aw, iw, todo)
        self.addresses: deque[Burst] = deque()
        self.open: deque[Burst] = deque()
        self.given: deque[tuple[int, int, int]] = deque()    # address, data, answer: by the slave, not yet passed on
        self.address: Burst | None = None
        self.slave_address: int | None = None
        self.answer: tuple[int, int] | None = None

    def drive(self) -> Iterable[tuple[str, int]]:
        """What master and slave show in this cycle."""
        while len(self.open) < min(4, self.todo):
            burst = random_burst(self.aw, self.iw)
            self.open.append(burst)
            self.addresses.append(burst)
        if self.address is None and self.addresses and self.ready("ar"):
            self.address = self.addresses.popleft()
        if self.answer is None and self.slave_address is not None and self.ready("mr"):
            self.answer = random.getrandbits(32), random.choice((0, 0, 0, 0, 0, 0, 2, 3))
        if self.address is not None:
            yield from zip(("arid", "araddr", "arlen", "arsize", "arburst"), self.address.address, strict=True)
            yield "arvalid", 1
        yield "rready", self.ready("r")
        yield "m_arready", self.slave_address is None and self.ready("mar")
        if self.answer is not None:
            yield from (("m_rdata", self.answer[0]), ("m_rresp", self.answer[1]), ("m_rvalid", 1))

    def check(self, shown: dict[str, int], pins: dict[str, int]) -> None:
        """Compare, and take what is handed over at the end of this cycle."""
        taken = pins["rvalid"] and shown["rready"]
        if pins["rvalid"]:
            assert self.given and self.open, "an answer to a read that was not made"
            burst, (address, data, answer) = self.open[0], self.given[0]
            last = burst.beats == burst.length - 1
            expected = (burst.ident, burst.at(burst.beats) & ~3, data, answer, last)
            found = (pins["rid"], address, pins["rdata"], pins["rresp"], pins["rlast"])
            assert found == expected, f"read {found} instead of {expected} at beat {burst.beats} of {burst}"
            if taken:
                self.given.popleft()
                burst.beats, burst.worst = burst.beats + 1, burst.worst | answer
                if last:
                    self.open.popleft()
                    self.count(burst)
        if self.answer is not None and pins["m_rready"]:
            assert self.slave_address is not None
            self.given.append((self.slave_address, *self.answer))
            self.answer = self.slave_address = None
        if pins["m_arvalid"] and shown.get("m_arready"):
            assert not self.given, "a beat was read before the one before it was passed on"
            self.slave_address = pins["m_araddr"]
        if self.address is not None and pins["arready"]:
            self.address = None
        self.tick(bool(taken))


def fields(aw: int, iw: int, layout: str) -> dict[str, tuple[int, int]]:
    """Name -> (shift, mask) of a packed signal, the first name on top. Widths are numbers, or a (address), i (ID)."""
    found, shift = {}, 0
    for entry in reversed(layout.split()):
        name, _, width = entry.partition(":")
        bits = {"a": aw, "i": iw}.get(width) or int(width or 1)
        found[name] = shift, (1 << bits) - 1
        shift += bits
    return found


DRIVE = ("awid:i awaddr:a awlen:4 awsize:2 awburst:2 awvalid wdata:32 wstrb:4 wvalid bready "
         "arid:i araddr:a arlen:4 arsize:2 arburst:2 arvalid rready "
         "m_awready m_wready m_bresp:2 m_bvalid m_arready m_rdata:32 m_rresp:2 m_rvalid")
PINS = ("awready wready bid:i bresp:2 bvalid arready rid:i rdata:32 rresp:2 rlast rvalid "
        "m_awaddr:a m_awvalid m_wdata:32 m_wstrb:4 m_wvalid m_bready m_araddr:a m_arvalid m_rready")
