"""What cocotb runs inside the simulator.

surroundings.py compares every pin and every answer with the model in every cycle, so a test only has to bring the
bridge somewhere; what it asserts itself is what a user relies on.
"""
from __future__ import annotations

import os
import random
from typing import Any

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge, Timer

from quarl.host.accelerator import registers as reg
from tests.hw.shell.bridge.surroundings import Bridge, answer

EFFORT = int(os.environ["BENCH_EFFORT"])
FLAGS = reg.STATUS_BUSY | reg.STATUS_DONE | reg.STATUS_OVERRUN | reg.STATUS_TIMEOUT
READABLE = [register.offset for register in reg.REGISTERS]


@cocotb.test()
async def constants_and_addresses_without_a_register(dut: Any) -> None:
    bench = await Bridge.start(dut, pause=0.3)
    assert await bench.read(reg.ID) == 0x51524C31
    assert await bench.read(reg.GEOMETRY) == bench.sizes.act << 16 | bench.sizes.obs
    assert await bench.read(reg.BUILD_ID) == 0xC0FFEE01
    assert await bench.read(reg.TIMEOUT) == 100000
    holes = set(range(0, 2**bench.sizes.aw, 4)) - set(READABLE)
    holes -= {offset & ~3 for offset in range(reg.ACTION, reg.ACTION + bench.sizes.act)}
    holes -= {offset & ~3 for offset in range(reg.OBSERVATION, reg.OBSERVATION + bench.sizes.obs)}
    for offset in random.sample(sorted(holes), min(len(holes), 40 * EFFORT)):
        await bench.write(offset, random.getrandbits(32))
        assert await bench.read(offset) == 0, hex(offset)


@cocotb.test()
async def a_write_to_what_is_read_only_does_nothing(dut: Any) -> None:
    bench = await Bridge.start(dut, pause=0.2)
    await bench.write(reg.CTRL, reg.CTRL_AUTO_START)
    await bench.infer()
    for register in reg.REGISTERS:
        if register.access == "r":
            before = [await bench.read(offset) for offset in READABLE if offset not in (reg.CYCLES_LO, reg.CYCLES_HI)]
            await bench.write(register.offset, random.getrandbits(32))
            after = [await bench.read(offset) for offset in READABLE if offset not in (reg.CYCLES_LO, reg.CYCLES_HI)]
            assert after == before, register.name


@cocotb.test()
async def inferences_and_statistics(dut: Any) -> None:
    """By auto-start and by command, with the accelerator at any speed; the sums are what the master's clock says."""
    bench = await Bridge.start(dut, pause=0.3)
    await bench.write(reg.CTRL, reg.CTRL_AUTO_START)
    latencies = []
    for i in range(6 * EFFORT):
        bench.accelerator.stall_in, bench.accelerator.stall_out = random.choice([0, 0.5, 0.9]), random.random() * 0.9
        await bench.infer()
        latencies.append(await bench.read(reg.LATENCY_LAST))
        assert await bench.read(reg.LATENCY_MIN) == min(latencies)
        assert await bench.read(reg.LATENCY_MAX) == max(latencies)
        assert await bench.read(reg.LATENCY_SUM_LO, 8) == sum(latencies)
        assert await bench.read(reg.COUNT) == i + 1 == await bench.read(reg.STATUS) >> 16
    assert await bench.read(reg.STALL) == bench.model.stall
    await bench.write(reg.CTRL, reg.CTRL_SOFT_RESET)
    assert await bench.read(reg.LATENCY_MIN) == 0xFFFFFFFF
    assert not any([await bench.read(offset) for offset in (
        reg.STATUS, reg.LATENCY_LAST, reg.LATENCY_MAX, reg.LATENCY_SUM_LO, reg.LATENCY_SUM_HI, reg.COUNT, reg.STALL)])


@cocotb.test()
async def random_traffic(dut: Any) -> None:
    """Reads and writes of everything that overlap, with any strobes; the model knows what comes out."""
    bench = await Bridge.start(dut)
    end = reg.OBSERVATION + bench.sizes.obs

    async def writes(n: int) -> None:
        for _ in range(n):
            kind = random.random()
            if kind < 0.5:                  # some bytes of the observation, across words, and beyond its end
                start = random.randrange(max(reg.OBSERVATION, end - 12), end)
                await bench.write(start, random.randbytes(random.randint(1, 9)))
            elif kind < 0.8:
                value = random.getrandbits(32) & ~(reg.CTRL_SOFT_RESET * (random.random() < 0.8))
                data = value.to_bytes(4, "little")[:random.randint(1, 3)]
                await bench.write(reg.CTRL + random.choice([0, 0, 0, 1]), data)
            elif kind < 0.95:               # low bytes, so that WAIT never takes long
                await bench.write(reg.TIMEOUT, bytes([random.randrange(60), 0, 0, 0])[:random.choice([1, 2, 4])])
            else:
                await bench.write(random.randrange(0, reg.CTRL), random.randbytes(1))

    async def reads(n: int) -> None:
        for _ in range(n):
            offset = random.choice([*READABLE, reg.WAIT, reg.STATUS, random.randrange(0, 2**bench.sizes.aw - 4)])
            await bench.read(offset, random.choice([1, 4, 4, 8]) if offset < 2**bench.sizes.aw - 8 else 4)

    await bench.write(reg.TIMEOUT, 30)
    for pause in (0.0, 0.2, 0.7):
        bench.pause(pause)
        bench.accelerator.stall_in, bench.accelerator.stall_out = random.random(), random.random()
        tasks = [cocotb.start_soon(task(60 * EFFORT)) for task in (writes, writes, reads, reads)]
        for task in tasks:
            await task


@cocotb.test()
async def a_start_while_busy_is_refused(dut: Any) -> None:
    """Whatever the second observation writes, the action of the first is not touched, and the second can be run."""
    bench = await Bridge.start(dut, pause=0.1)
    await bench.write(reg.CTRL, reg.CTRL_AUTO_START)
    bench.accelerator.stall_in = bench.accelerator.stall_out = 1.0
    first, second = random.randbytes(bench.sizes.obs), random.randbytes(bench.sizes.obs)
    await bench.write(reg.OBSERVATION, first)
    assert await bench.read(reg.STATUS) & FLAGS == reg.STATUS_BUSY
    await bench.write(reg.OBSERVATION, second)
    assert await bench.read(reg.STATUS) & FLAGS == reg.STATUS_BUSY | reg.STATUS_OVERRUN
    bench.accelerator.stall_in = bench.accelerator.stall_out = 0.2
    assert await bench.read(reg.WAIT) & FLAGS == reg.STATUS_DONE | reg.STATUS_OVERRUN
    assert await bench.action() == answer(first, bench.sizes.act)
    await bench.write(reg.CTRL, reg.CTRL_START)
    assert await bench.read(reg.WAIT) & FLAGS == reg.STATUS_DONE | reg.STATUS_OVERRUN
    assert await bench.action() == answer(second, bench.sizes.act)
    assert await bench.read(reg.COUNT) == 2


@cocotb.test()
async def a_soft_reset_in_mid_frame(dut: Any) -> None:
    """At any moment of an inference: the next one is right, and its start may come while the reset lasts."""
    bench = await Bridge.start(dut)
    bench.accelerator.stall_in, bench.accelerator.stall_out = 0.4, 0.4
    for delay in range(0, 12 * EFFORT, 2):
        await bench.write(reg.CTRL, reg.CTRL_START)
        await bench.idle(delay % 40)
        await bench.write(reg.CTRL, reg.CTRL_SOFT_RESET | reg.CTRL_AUTO_START)
        assert await bench.read(reg.STATUS) == reg.STATUS_AUTO_START
        assert await bench.read(reg.COUNT) == 0
        if random.random() < 0.5:
            await bench.idle(reg.RECOVERY_CYCLES)
        await bench.infer()


@cocotb.test()
async def a_start_that_a_reset_holds_back(dut: Any) -> None:
    """It keeps its observation, whatever is written until the accelerator runs."""
    bench = await Bridge.start(dut)
    first, second = random.randbytes(bench.sizes.obs), random.randbytes(bench.sizes.obs)
    await bench.write(reg.OBSERVATION, first)
    await bench.write(reg.CTRL, reg.CTRL_SOFT_RESET)
    await bench.write(reg.CTRL, reg.CTRL_START)
    await bench.write(reg.OBSERVATION, second[:4])
    assert await bench.read(reg.WAIT) & FLAGS == reg.STATUS_DONE
    assert await bench.action() == answer(first, bench.sizes.act)


@cocotb.test()
async def wait_gives_up(dut: Any) -> None:
    """After TIMEOUT cycles and not before; writes go on meanwhile, and a reset ends it at once."""
    bench = await Bridge.start(dut)
    bench.accelerator.stall_out = 1.0
    for timeout in (0, 1, 2, 37):
        await bench.write(reg.TIMEOUT, timeout)
        await bench.write(reg.CTRL, reg.CTRL_START)
        begin = bench.model.now
        assert await bench.read(reg.WAIT) & FLAGS == reg.STATUS_BUSY | reg.STATUS_TIMEOUT
        assert timeout <= bench.model.now - begin <= timeout + 6
        assert await bench.read(reg.STATUS) & FLAGS == reg.STATUS_BUSY | reg.STATUS_TIMEOUT
        await bench.write(reg.CTRL, reg.CTRL_SOFT_RESET)
        assert await bench.read(reg.STATUS) & FLAGS == 0
    await bench.write(reg.TIMEOUT, 5)
    await bench.write(reg.CTRL, reg.CTRL_SOFT_RESET)
    await bench.write(reg.CTRL, reg.CTRL_START)
    assert await bench.read(reg.WAIT) & FLAGS == reg.STATUS_BUSY | reg.STATUS_TIMEOUT, "a start that a reset holds back"
    await bench.idle(reg.RECOVERY_CYCLES)
    assert await bench.read(reg.STATUS) & FLAGS == reg.STATUS_BUSY | reg.STATUS_TIMEOUT, "until the next start"
    bench.accelerator.stall_out = 0.0
    await bench.write(reg.TIMEOUT, 1_000_000)
    assert await bench.read(reg.WAIT) & FLAGS == reg.STATUS_DONE | reg.STATUS_TIMEOUT
    await bench.write(reg.CTRL, reg.CTRL_START)
    assert await bench.read(reg.WAIT) & FLAGS == reg.STATUS_DONE, "a start ends it"
    bench.accelerator.stall_out = 1.0
    await bench.write(reg.CTRL, reg.CTRL_START)
    waiting = cocotb.start_soon(bench.read(reg.WAIT))
    await bench.write(reg.OBSERVATION, random.randbytes(bench.sizes.obs))
    assert not waiting.done()
    await bench.write(reg.CTRL, reg.CTRL_SOFT_RESET)
    assert await waiting == 0


@cocotb.test()
async def a_hard_reset_at_any_time(dut: Any) -> None:
    bench = await Bridge.start(dut)
    for delay in range(4 * EFFORT):
        bench.accelerator.stall_in, bench.accelerator.stall_out = 0.5, random.choice([0.5, 1.0])
        await bench.write(reg.TIMEOUT, 1000)
        await bench.write(reg.CTRL, reg.CTRL_START | reg.CTRL_AUTO_START)
        for offset in (reg.WAIT, reg.STATUS):
            bench.master.init_read(offset, 4)
        bench.master.init_write(reg.OBSERVATION, random.randbytes(bench.sizes.obs))
        await bench.idle(delay % 20)
        await bench.hard_reset()
        bench.accelerator.stall_out = 0.5
        assert await bench.read(reg.TIMEOUT) == reg.DEFAULT_TIMEOUT
        assert await bench.read(reg.STATUS) == 0
        assert await bench.read(reg.CYCLES_LO, 8) < 20
        await bench.write(reg.CTRL, reg.CTRL_AUTO_START)
        await bench.infer()


@cocotb.test()
async def the_last_byte_starts_and_strobes_count(dut: Any) -> None:
    bench = await Bridge.start(dut)
    last, word = reg.OBSERVATION + bench.sizes.obs - 1, bytes(4)
    await bench.write(reg.CTRL, reg.CTRL_AUTO_START)
    for offset in range(reg.OBSERVATION, last):
        await bench.write(offset, word[:1])
    await bench.write(last + 1, word[:3])                # beyond its end, in the same word or the next
    await bench.write(reg.CTRL + 1, word[:3])
    await bench.write(reg.TIMEOUT + 1, b"\x22\x33")
    assert await bench.read(reg.STATUS) == reg.STATUS_AUTO_START
    assert await bench.read(reg.TIMEOUT) == reg.DEFAULT_TIMEOUT & 0xFF0000FF | 0x332200
    await bench.write(last, word[:1])
    assert await bench.read(reg.WAIT) & FLAGS == reg.STATUS_DONE
    assert await bench.action() == answer(bytes(bench.sizes.obs), bench.sizes.act)


@cocotb.test()
async def long_numbers(dut: Any) -> None:
    """What takes years to reach: upper halves, which come with their lower halves, and the wrap of SEQUENCE."""
    bench = await Bridge.start(dut)
    bridge, model = dut.bridge_i, bench.model
    await bench.write(reg.CTRL, reg.CTRL_AUTO_START)
    for _ in range(3):
        await RisingEdge(dut.ap_clk)
        bridge.Cycles.value = 2**32 * 7 - 20
        model.born = model.now - (2**32 * 7 - 20)
        low = await bench.read(reg.CYCLES_LO)
        await bench.idle(random.randrange(40))
        assert (await bench.read(reg.CYCLES_HI), low >> 31) in ((6, 1), (7, 0))
        bridge.Count.value, bridge.LatencySum.value = 0xFFFF, 2**32 * 5 - 1
        model.count, model.sum = 0xFFFF, 2**32 * 5 - 1
        assert await bench.read(reg.LATENCY_SUM_LO) == 0xFFFFFFFF
        await bench.infer()
        assert await bench.read(reg.LATENCY_SUM_HI) == 4
        assert await bench.read(reg.LATENCY_SUM_LO, 8) == 2**32 * 5 - 1 + await bench.read(reg.LATENCY_LAST)
        assert await bench.read(reg.STATUS) >> 16 == 0 and await bench.read(reg.COUNT) == 0x10000


@cocotb.test()
async def no_output_follows_an_input_within_a_cycle(dut: Any) -> None:
    """Every port of AXI and of the streams is registered: at any time of a cycle, inputs may do what they want."""
    bench = await Bridge.start(dut, pause=0.5)
    inputs = {"s_axi_ctrl_" + name: width for name, width in (
        ("awaddr", bench.sizes.aw), ("awvalid", 1), ("wdata", 32), ("wstrb", 4), ("wvalid", 1), ("bready", 1),
        ("araddr", bench.sizes.aw), ("arvalid", 1), ("rready", 1))}
    inputs |= {"obs_tready": 1, "act_tvalid": 1, "act_tdata": 8 * bench.sizes.beat_out}
    outputs = ("awready", "wready", "bvalid", "arready", "rvalid", "rdata", "accel_rst_n", "obs_tvalid", "obs_tdata",
               "act_tready")
    fields = [field for field in bench.sizes.fields if field[0] in outputs]
    await bench.write(reg.CTRL, reg.CTRL_AUTO_START)
    traffic = cocotb.start_soon(_endless(bench))
    for _ in range(30 * EFFORT):
        await RisingEdge(dut.ap_clk)
        await Timer(1, "ns")
        before, kept = int(dut.pins.value), {name: int(getattr(dut, name).value) for name in inputs}
        for value in (random.getrandbits, lambda width: (1 << width) - 1, lambda width: 0):
            for name, width in inputs.items():
                getattr(dut, name).value = value(width)
            await Timer(1, "ns")
            now = int(dut.pins.value)
            for name, shift, mask in fields:
                assert now >> shift & mask == before >> shift & mask, f"{name} follows an input"
        for name, value in kept.items():
            getattr(dut, name).value = value
        await ReadOnly()
    traffic.cancel()


async def _endless(bench: Bridge) -> None:
    while True:
        await bench.infer()
