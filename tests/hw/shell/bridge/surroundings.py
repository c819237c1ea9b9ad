"""What is around the bridge in the simulator: an AXI master and an accelerator, both with random pauses.

Every pin and every answer is compared with model.py in every cycle.
"""
from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from quarl.host.accelerator import registers as reg
from tests.hw.shell.bridge.model import Model, Sizes


class Accelerator:
    """Takes an observation and gives an action that depends on every bit of it, with random pauses on both sides."""

    def __init__(self, sizes: Sizes):
        self.sizes, self.stall_in, self.stall_out = sizes, 0.0, 0.0
        self.taken: list[int] = []
        self.given: list[int] = []
        self.shown = False

    def cycle(self, pins: dict[str, int]) -> tuple[int, int, int]:
        """obs_tready, act_tvalid and act_tdata of the next cycle."""
        if pins["obs_tvalid"] and pins["obs_tready"]:
            self.taken.append(pins["obs_tdata"])
        if pins["act_tvalid"] and pins["act_tready"]:
            self.given.pop(0)
            self.shown = False
        if not pins["accel_rst_n"]:
            self.taken, self.given, self.shown = [], [], False
        if len(self.taken) == self.sizes.beats_in:
            frame = b"".join(beat.to_bytes(self.sizes.beat_in, "little") for beat in self.taken)
            size, action = self.sizes.beat_out, answer(frame, self.sizes.act)
            self.given += [int.from_bytes(action[i:i + size], "little") for i in range(0, len(action), size)]
            self.taken = []
        self.shown = bool(self.given) and (self.shown or random.random() >= self.stall_out)
        return int(random.random() >= self.stall_in), int(self.shown), self.given[0] if self.shown else 0


def answer(observation: bytes, size: int) -> bytes:
    """The action of ``size`` bytes that the accelerator gives."""
    return hashlib.shake_128(observation).digest(size)


class Bridge:
    """Everything around the bridge. Use ``await Bridge.start(dut)``."""

    def __init__(self, dut: Any):
        self.dut = dut
        obs, in_w, act, out_w, aw = (int(getattr(dut, name).value)
                                     for name in ("OBS_BYTES", "IN_W", "ACT_BYTES", "OUT_W", "AW"))
        self.sizes = Sizes(obs, in_w // 8, act, out_w // 8, aw)
        self.accelerator, self.model = Accelerator(self.sizes), Model(self.sizes)

    @classmethod
    async def start(cls, dut: Any, pause: float = 0.0) -> Bridge:
        """After a hard reset and a write of the whole observation; the master pauses with that probability."""
        bench = cls(dut)
        dut.ap_rst_n.value = 0
        dut.obs_tready.value = dut.act_tvalid.value = dut.act_tdata.value = 0
        bench.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi_ctrl"), dut.ap_clk, dut.ap_rst_n,
                                     reset_active_level=False)
        Clock(dut.ap_clk, 10, "ns").start()
        for _ in range(4):
            await RisingEdge(dut.ap_clk)
        cocotb.start_soon(bench._watch())
        await bench.hard_reset()
        if pause:
            bench.pause(pause)
        await bench.write(reg.OBSERVATION, random.randbytes(bench.sizes.obs))
        return bench

    async def _watch(self) -> None:
        fields, driven = self.sizes.fields, (None, None, None)
        signals = self.dut.obs_tready, self.dut.act_tvalid, self.dut.act_tdata
        while True:
            await RisingEdge(self.dut.ap_clk)
            packed = int(self.dut.pins.value)
            pins = {name: packed >> shift & mask for name, shift, mask in fields}
            self.model.cycle(pins)
            drive = self.accelerator.cycle(pins)
            for signal, old, new in zip(signals, driven, drive, strict=True):
                if old != new:
                    signal.value = new
            driven = drive

    def pause(self, probability: float) -> None:
        """Let the master pause at random on each of its five channels."""
        def pauses() -> Iterator[bool]:
            while True:
                yield random.random() < probability
        write, read = self.master.write_if, self.master.read_if
        for channel in (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel):
            channel.set_pause_generator(pauses())

    async def hard_reset(self) -> None:
        self.dut.ap_rst_n.value = 0
        await self.idle(random.randint(2, 4))
        self.dut.ap_rst_n.value = 1

    async def idle(self, cycles: int) -> None:
        for _ in range(cycles):
            await RisingEdge(self.dut.ap_clk)

    async def write(self, offset: int, data: int | bytes) -> None:
        """A word or some bytes; every answer must be OKAY."""
        done = await self.master.write(offset, data if isinstance(data, bytes) else data.to_bytes(4, "little"))
        assert done.resp == AxiResp.OKAY, f"write of 0x{offset:x}: {done.resp}"

    async def read(self, offset: int, size: int = 4) -> int:
        """A little-endian number, one word unless ``size`` bytes."""
        done = await self.master.read(offset, size)
        assert done.resp == AxiResp.OKAY, f"read of 0x{offset:x}: {done.resp}"
        return int.from_bytes(done.data, "little")

    async def action(self) -> bytes:
        return (await self.read(reg.ACTION, self.sizes.act)).to_bytes(self.sizes.act, "little")

    async def infer(self) -> bytes:
        """Write a random observation, wait, check the action. Returns the observation."""
        observation = random.randbytes(self.sizes.obs)
        await self.write(reg.OBSERVATION, observation)
        status = await self.read(reg.WAIT)
        assert status & (reg.STATUS_BUSY | reg.STATUS_DONE | reg.STATUS_TIMEOUT) == reg.STATUS_DONE, hex(status)
        assert await self.action() == answer(observation, self.sizes.act), "the action is that of this observation"
        return observation
