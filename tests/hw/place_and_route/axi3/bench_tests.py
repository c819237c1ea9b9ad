"""What cocotb runs inside the simulator: the master and the slave of model.py around the adapter, cycle by cycle."""
from __future__ import annotations

import os
import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from tests.hw.place_and_route.axi3.model import DRIVE, PINS, Reads, Writes, fields

EFFORT = int(os.environ["BENCH_EFFORT"])    # bursts of each direction, in hundreds
HAPPENED = ("fixed", "incr", "wrap", "1 bytes", "2 bytes", "4 bytes", "unaligned fixed", "unaligned incr", "16 beats",
            "error")


async def transfer(dut: Any, bursts: int, most: int | None = None) -> tuple[Writes, Reads]:
    """Reset, then that many bursts of each direction, or cycles at most."""
    aw, iw = int(dut.AW.value), int(dut.IW.value)
    drive, pins = fields(aw, iw, DRIVE), fields(aw, iw, PINS)
    sides = writes, reads = Writes(aw, iw, bursts), Reads(aw, iw, bursts)
    dut.rst_n.value = dut.drive.value = 0
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst_n.value = 1
    while (writes.todo or reads.todo) and (most is None or writes.now < most):
        # Half a cycle after the edge all is settled, and what is driven now is what the next edge takes.
        await FallingEdge(dut.clk)
        packed = int(dut.pins.value)
        seen = {name: packed >> shift & mask for name, (shift, mask) in pins.items()}
        shown = {name: int(value) for side in sides for name, value in side.drive()}
        dut.drive.value = sum(value << drive[name][0] for name, value in shown.items())
        for side in sides:
            side.check(shown, seen)
    return sides


@cocotb.test()
async def random_bursts(dut: Any) -> None:
    """Every kind of burst, with pauses on all channels."""
    Clock(dut.clk, 10, "ns").start()
    writes, reads = await transfer(dut, 100 * EFFORT)
    assert not writes.open and not writes.due and not reads.open and not reads.given
    missing = [name for side in (writes, reads) for name in HAPPENED if not side.seen[name]]
    missing += [name for name in ("data first", "no strobes") if not writes.seen[name]]
    assert EFFORT < 3 or not missing, f"nothing of this has happened: {missing}"
    print(f"@seen {writes.now} cycles; writes {dict(writes.seen)}; reads {dict(reads.seen)}")


@cocotb.test()
async def resets(dut: Any) -> None:
    """After a reset in the middle of anything, nothing of it is left."""
    Clock(dut.clk, 10, "ns").start()
    for _ in range(10 * EFFORT):
        await transfer(dut, 10, random.randint(1, 40))
