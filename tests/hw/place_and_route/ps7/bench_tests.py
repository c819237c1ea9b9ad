"""What cocotb runs inside the simulator: a processor that infers through bursts of M_AXI_GP0, with random pauses."""
from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from quarl.host.accelerator import registers as reg
from tests.hw.place_and_route.axi3.model import INCR, WRAP, Burst, fields
from tests.hw.place_and_route.ps7 import FRAMES

DRIVE = fields(32, 12, "awid:i awaddr:a awlen:4 awsize:2 awburst:2 awvalid wdata:32 wstrb:4 wvalid bready "
                       "arid:i araddr:a arlen:4 arsize:2 arburst:2 arvalid rready")
PINS = fields(32, 12, "awready wready bid:i bresp:2 bvalid arready rid:i rdata:32 rresp:2 rlast rvalid")
BASE, WINDOWS, STUCK = 0x40000000, 1 << 14, 20000


class Master:
    """One burst at a time; whatever it shows stays until it is taken."""

    def __init__(self, dut: Any):
        self.dut = dut
        self.base = BASE + random.randrange(WINDOWS) * (1 << 16)    # the shell shows itself every few KiB
        self.bursts = 0

    async def cycle(self, shown: dict[str, int]) -> dict[str, int]:
        """Show this in the next cycle; returns the pins of the same."""
        await FallingEdge(self.dut.clk)
        packed = int(self.dut.pins.value)
        self.dut.drive.value = sum(value << DRIVE[name][0] for name, value in shown.items())
        return {name: packed >> shift & mask for name, (shift, mask) in PINS.items()}

    async def write(self, offset: int, data: bytes) -> None:
        """Write bytes, in bursts of random length and of 1, 2 or 4 bytes a beat, upwards."""
        while data:
            size = random.choice([size for size in (0, 1, 2) if offset % (1 << size) == 0])
            beats = random.randint(1, min(16, -(-len(data) >> size)))
            part, data = data[:beats << size], data[beats << size:]
            await self._write(Burst(random.getrandbits(12), self.base + offset, beats, size, INCR), part)
            offset += len(part)

    async def _write(self, burst: Burst, data: bytes) -> None:
        beats = []
        for number in range(burst.length):
            lane = burst.at(number) % 4
            part = data[number << burst.size:number + 1 << burst.size]
            beats.append({"wdata": int.from_bytes(part, "little") << 8 * lane, "wstrb": (1 << len(part)) - 1 << lane,
                          "wvalid": 1})
        address = dict(zip(("awid", "awaddr", "awlen", "awsize", "awburst"), burst.address, strict=True), awvalid=1)
        shown: dict[str, int] = {}
        for _ in range(STUCK):
            if address and random.random() < 0.6:
                shown |= address
            if beats and random.random() < 0.6:
                shown |= beats[0]
            shown["bready"] = random.random() < 0.6
            pins = await self.cycle(shown)
            if shown.get("awvalid") and pins["awready"]:
                address = {}
                shown = {name: value for name, value in shown.items() if not name.startswith("aw")}
            if shown.get("wvalid") and pins["wready"]:
                del beats[0]
                shown = {name: value for name, value in shown.items() if not name.startswith("w")}
            if shown["bready"] and pins["bvalid"]:
                assert not address and not beats, "a response before the last beat"
                assert (pins["bid"], pins["bresp"]) == (burst.ident, 0), pins
                self.bursts += 1
                return
        raise AssertionError(f"no end of {burst}")

    async def read(self, offset: int, words: int = 1) -> bytes:
        """Words, in one burst: INCR, or WRAP from a random word where their number allows it."""
        kind, first = INCR, 0
        if words in (2, 4, 8, 16) and offset % (4 * words) == 0 and random.random() < 0.5:
            kind, first = WRAP, random.randrange(words)
        burst = Burst(random.getrandbits(12), self.base + offset + 4 * first, words, 2, kind)
        address = dict(zip(("arid", "araddr", "arlen", "arsize", "arburst"), burst.address, strict=True), arvalid=1)
        found: list[bytes] = []
        for _ in range(STUCK):
            ready = random.random() < 0.6
            pins = await self.cycle({**address, "rready": ready})
            if address and pins["arready"]:
                address = {}
            if ready and pins["rvalid"]:
                last = len(found) == words - 1
                assert (pins["rid"], pins["rresp"], pins["rlast"]) == (burst.ident, 0, last), pins
                found.append(pins["rdata"].to_bytes(4, "little"))
                if last:
                    self.bursts += 1
                    return b"".join(found[-first:] + found[:-first] if first else found)
        raise AssertionError(f"no end of {burst}")

    async def register(self, offset: int) -> int:
        """A register's value."""
        return int.from_bytes(await self.read(offset), "little")


@cocotb.test()
async def inferences(dut: Any) -> None:
    """Every observation of the file gives its action; a reset in mid-frame changes nothing of the next."""
    Clock(dut.clk, 10, "ns").start()
    dut.reset_n.value = dut.drive.value = 0
    for _ in range(5):
        await FallingEdge(dut.clk)
    dut.reset_n.value = 1
    for _ in range(reg.RECOVERY_CYCLES):
        await FallingEdge(dut.clk)
    frames, master = json.loads(Path(FRAMES).read_text()), Master(dut)
    assert await master.register(reg.ID) == reg.ID_VALUE
    start = (reg.CTRL_SOFT_RESET | reg.CTRL_AUTO_START).to_bytes(1, "little")
    done = 0
    for number, (observation, action) in enumerate(frames):
        observation, action = bytes.fromhex(observation), bytes.fromhex(action)
        if number % 10 == 0:
            await master.write(reg.OBSERVATION, observation[:-1])    # not whole: nothing starts
            await master.write(reg.CTRL, start)
            await master.read(reg.COUNT)
            for _ in range(reg.RECOVERY_CYCLES):
                await FallingEdge(dut.clk)
            done = 0
        await master.write(reg.OBSERVATION, observation)
        status = await master.register(reg.WAIT)
        assert status & (reg.STATUS_DONE | reg.STATUS_TIMEOUT | reg.STATUS_OVERRUN) == reg.STATUS_DONE, hex(status)
        found = await master.read(reg.ACTION, -(-len(action) // 4))
        assert found[:len(action)] == action, f"inference {number}: {found.hex()} instead of {action.hex()}"
        done += 1
        assert await master.register(reg.COUNT) == done
    assert len(frames) == int(os.environ["BENCH_EFFORT"])
    print(f"@seen {len(frames)} inferences, {master.bursts} bursts")
