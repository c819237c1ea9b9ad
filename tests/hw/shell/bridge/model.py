"""What the bridge must do, cycle by cycle, in Python: every pin that it drives and every word that it answers.

Written from docs/registers.md and the comments of the RTL, not from its code: bytes, lists of beats and time stamps.
"""
from __future__ import annotations

import dataclasses

from quarl.host.accelerator import registers as reg

BUILD_ID = 0xC0FFEE01
_FIELDS = tuple(reversed((      # of `pins`, as bench.sv lists them
    "awaddr", "wdata", "wstrb", "araddr", "rdata", "obs_tdata", "act_tdata",
    "awvalid", "awready", "wvalid", "wready", "bvalid", "bready", "arvalid", "arready", "rvalid", "rready",
    "ap_rst_n", "accel_rst_n", "obs_tvalid", "obs_tready", "act_tvalid", "act_tready")))


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The bridge's parameters, in bytes; ``aw`` in bits."""

    obs: int
    beat_in: int
    act: int
    beat_out: int
    aw: int

    @property
    def beats_in(self) -> int:
        return self.obs // self.beat_in

    @property
    def beats_out(self) -> int:
        return self.act // self.beat_out

    @property
    def fields(self) -> list[tuple[str, int, int]]:
        """Name, shift and mask of every pin."""
        widths = {"awaddr": self.aw, "araddr": self.aw, "wdata": 32, "rdata": 32, "wstrb": 4,
                  "obs_tdata": 8 * self.beat_in, "act_tdata": 8 * self.beat_out}
        found, shift = [], 0
        for name in _FIELDS:
            width = widths.get(name, 1)
            found.append((name, shift, (1 << width) - 1))
            shift += width
        return found


class Model:
    """The bridge's state. ``cycle`` takes the pins as they were in one clock cycle; it raises AssertionError.

    It begins in the middle of a hard reset.
    """

    def __init__(self, sizes: Sizes):
        self.sizes = sizes
        self.now = 0                                       # clock cycles since the bench began
        self.observation: list[int | None] = [None] * sizes.obs        # None: not known, never written
        self.action: list[int | None] = [None] * sizes.beats_out       # the beats that came last
        self.latches: dict[int, int | None] = {reg.CYCLES_HI: None, reg.LATENCY_SUM_HI: None}
        self.copy: list[int] = []                          # the observation at the start
        self.clears: set[int] = set()                      # cycles in which flags and statistics are new
        self.resets: list[tuple[int, int]] = [(0, 2)]      # from which to before which the accelerator is in reset
        self._hard_reset()
        self._clear()

    def _hard_reset(self) -> None:
        self.auto_start, self.timeout, self.born = False, reg.DEFAULT_TIMEOUT, self.now + 1
        self.address: int | None = None                    # taken, waiting for its data
        self.data: tuple[int, int] | None = None           # and strobes; taken, waiting for its address
        self.write: tuple[int, int, int] | None = None     # takes effect in this cycle: offset, data, strobes
        self.responding = False
        self.read: int | None = None                       # offset of the read in progress
        self.remaining = 0                                 # cycles that it may still take
        self.answering = False
        self.answer: int | None = None                     # on the bus; None: not known
        self._request_reset()

    def _request_reset(self) -> None:
        self.clears.add(self.now + 2)
        self.resets = [*self.resets[-3:], (self.now + 2, self.now + 2 + reg.RESET_CYCLES)]

    def _clear(self) -> None:
        self.pending = self.busy = self.done = self.overrun = self.timed_out = False
        self.to_send: list[int] = []
        self.to_take = self.started = 0
        self.latencies: list[int] = []
        self.count = self.stall = self.sum = 0

    def cycle(self, pins: dict[str, int]) -> None:
        """Compare what the bridge drives with what it should, then take over what passed."""
        if self.now in self.clears:
            self.clears.remove(self.now)
            self._clear()
        self._compare(pins)
        running, showing = self.pending or self.busy, self.answering
        start, soft_reset = self._commands()
        accept = start and not running
        gave_up = self._go_on_reading(start or running)
        self._inference(pins, start, accept)
        self.timed_out |= gave_up
        if soft_reset:
            self._request_reset()
        self._reads(pins, showing)
        self._store()
        if accept:
            self.copy = [byte for byte in self.observation if byte is not None]
        self._writes(pins)
        if not pins["ap_rst_n"]:
            self._hard_reset()
        self.now += 1

    def _in_reset(self) -> bool:
        return any(begin <= self.now < end for begin, end in self.resets)

    def _compare(self, pins: dict[str, int]) -> None:
        expected = {"awready": int(self.address is None and not self.responding),
                    "wready": int(self.data is None and not self.responding), "bvalid": int(self.responding),
                    "arready": int(self.read is None and not self.answering), "rvalid": int(self.answering),
                    "accel_rst_n": int(not self._in_reset()), "obs_tvalid": int(bool(self.to_send)),
                    "act_tready": int(self.busy)}
        if self.to_send:
            expected["obs_tdata"] = self.to_send[0]
        if self.answering and self.answer is not None:
            expected["rdata"] = self.answer
        found = {name: pins[name] for name in expected}
        assert found == expected, f"cycle {self.now}: the bridge drives {_difference(found, expected)}"

    def _commands(self) -> tuple[bool, bool]:
        """Start and soft reset, as the write that takes effect in this cycle demands."""
        if self.write is None:
            return False, False
        offset, data, strobes = self.write
        if offset == reg.CTRL and strobes & 1:
            soft_reset = bool(data & reg.CTRL_SOFT_RESET)
            return bool(data & reg.CTRL_START) and not soft_reset, soft_reset
        last = reg.OBSERVATION + self.sizes.obs - 1
        return self.auto_start and offset == last & ~3 and bool(strobes >> last % 4 & 1), False

    def _store(self) -> None:
        """What a write leaves behind, from the next cycle on."""
        if self.write is None:
            return
        offset, data, strobes = self.write
        for lane in range(4):
            if strobes >> lane & 1:
                byte = data >> 8 * lane & 0xFF
                if offset == reg.CTRL and lane == 0:
                    self.auto_start = bool(byte & reg.CTRL_AUTO_START)
                if offset == reg.TIMEOUT:
                    self.timeout = self.timeout & ~(0xFF << 8 * lane) | byte << 8 * lane
                if 0 <= offset + lane - reg.OBSERVATION < self.sizes.obs:
                    self.observation[offset + lane - reg.OBSERVATION] = byte
        self.write = None

    def _inference(self, pins: dict[str, int], start: bool, accept: bool) -> None:
        if self.to_send and not pins["obs_tready"]:
            self.stall += 1
        if self.to_send and pins["obs_tready"]:
            self.to_send.pop(0)
        if self.busy and pins["act_tvalid"]:
            self.action = [*self.action[1:], pins["act_tdata"]]
            self.to_take -= 1
            if not self.to_take:
                self.busy, self.done = False, True
                self.latencies.append(self.now - self.started)
                self.count += 1
                self.sum += self.latencies[-1]
        elif self.pending and not self._in_reset():
            size, raw = self.sizes.beat_in, bytes(self.copy)
            self.to_send = [int.from_bytes(raw[i:i + size], "little") for i in range(0, len(raw), size)]
            self.to_take = self.sizes.beats_out
            self.pending, self.busy = False, True
        if start and not accept:
            self.overrun = True
        if accept:
            # The edge that took the write was at the end of the cycle before.
            self.pending, self.done, self.timed_out, self.started = True, False, False, self.now - 1

    def _go_on_reading(self, running: bool) -> bool:
        """Answer the read in progress, or hold it back; whether it was a WAIT that gave up."""
        if self.read is None:
            return False
        waits = self.read == reg.WAIT and running
        if waits and self.remaining:
            self.remaining -= 1
            return False
        self.answering, self.answer, self.read = True, self._word(self.read), None
        if waits and self.answer is not None:
            self.answer |= reg.STATUS_TIMEOUT
        return waits

    def _word(self, offset: int) -> int | None:
        """What a register reads now; None where it was never set."""
        cycles = self.now - self.born
        halves = {reg.CYCLES_LO: (cycles, reg.CYCLES_HI), reg.LATENCY_SUM_LO: (self.sum, reg.LATENCY_SUM_HI)}
        if offset in halves:
            number, upper = halves[offset]
            self.latches[upper] = number >> 32
            return number & 0xFFFFFFFF
        if offset in self.latches:
            return self.latches[offset]
        if reg.ACTION <= offset < reg.ACTION + self.sizes.act:
            size = self.sizes.beat_out
            return _bytes_word([byte for beat in self.action for byte in
                                ([None] * size if beat is None else beat.to_bytes(size, "little"))],
                               offset - reg.ACTION)
        if reg.OBSERVATION <= offset < reg.OBSERVATION + self.sizes.obs:
            return _bytes_word(self.observation, offset - reg.OBSERVATION)
        status = (reg.STATUS_BUSY * (self.pending or self.busy) | reg.STATUS_DONE * self.done
                  | reg.STATUS_OVERRUN * self.overrun | reg.STATUS_TIMEOUT * self.timed_out
                  | reg.STATUS_AUTO_START * self.auto_start | (self.count & 0xFFFF) << reg.STATUS_SEQUENCE_SHIFT)
        return {reg.ID: reg.ID_VALUE, reg.VERSION: reg.VERSION_VALUE, reg.STATUS: status, reg.WAIT: status,
                reg.GEOMETRY: self.sizes.obs | self.sizes.act << 16,
                reg.LATENCY_LAST: self.latencies[-1] if self.latencies else 0,
                reg.LATENCY_MIN: min(self.latencies, default=0xFFFFFFFF),
                reg.LATENCY_MAX: max(self.latencies, default=0), reg.COUNT: self.count, reg.STALL: self.stall,
                reg.TIMEOUT: self.timeout, reg.BUILD_ID: BUILD_ID}.get(offset, 0)

    def _reads(self, pins: dict[str, int], showing: bool) -> None:
        """What was handed over on AR and R at the end of this cycle."""
        if showing:
            self.answering = not pins["rready"]
        elif not self.answering and self.read is None and pins["arvalid"]:
            self.read, self.remaining = pins["araddr"] & ~3, self.timeout

    def _writes(self, pins: dict[str, int]) -> None:
        """What was handed over on AW, W and B at the end of this cycle."""
        if self.responding:
            self.responding = not pins["bready"]
            return
        if pins["awvalid"] and self.address is None:
            self.address = pins["awaddr"] & ~3
        if pins["wvalid"] and self.data is None:
            self.data = pins["wdata"], pins["wstrb"]
        if self.address is not None and self.data is not None:
            self.write, self.responding = (self.address, *self.data), True
            self.address = self.data = None


def _bytes_word(data: list[int | None], start: int) -> int | None:
    """Little-endian word of the bytes from ``start``; bytes beyond the end are 0. None if one is not known."""
    word = data[start:start + 4]
    return None if None in word else sum(byte << 8 * i for i, byte in enumerate(word) if byte is not None)


def _difference(found: dict[str, int], expected: dict[str, int]) -> str:
    return ", ".join(f"{name} = {found[name]:#x} instead of {value:#x}" for name, value in expected.items()
                     if found[name] != value)
