"""The bridge and its accelerator as a few lines of Python: registers that answer as the RTL does."""
from __future__ import annotations

import numpy as np

from quarl.host.accelerator import description, registers
from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.devices.bridge import BridgeDevice, Registers
from quarl.host.policy import Policy
from quarl.host.policy.integer import accumulators
from tests.host.accelerator.test_description import make_accelerator

LATENCY = 11


def geometry_of(policy: Policy) -> Geometry:
    """Streams such as a build makes: codes in one beat, one accumulator a beat."""
    features, bits = policy.features, policy.input_bits
    width = max(2, policy.accumulator_bound(len(policy.layers) - 1).bit_length() + 1)
    return Geometry(Stream(1, features, bits, (features * bits + 7) // 8 * 8),
                    Stream(len(policy.layers[-1].weights), 1, width, (width + 7) // 8 * 8))


def describe(policy: Policy, folder, geometry: Geometry | None = None, **changes) -> Geometry:
    """Write an ``accel.json`` of ``policy``; returns its geometry."""
    geometry = geometry or geometry_of(policy)
    description.write(make_accelerator(**{"policy_hash": policy.hash, "geometry": geometry, **changes}), folder)
    return geometry


class BridgeModel(Registers):
    """``forced`` are registers that read something else; ``hangs``: an inference never ends."""

    def __init__(self, policy: Policy, geometry: Geometry):
        self.policy, self.geometry = policy, geometry
        self.forced: dict[int, int] = {}
        self.hangs = self.closed = False
        self.frame = np.zeros(geometry.observation.words, "<u4")
        self.action = np.zeros(geometry.action.words, "<u4")
        self.values: dict[int, int] = {}
        self.accesses = 0
        self._clear()

    def _clear(self) -> None:
        self.status = 0
        self.values.update({registers.LATENCY_MIN: 0xFFFFFFFF, registers.LATENCY_MAX: 0, registers.COUNT: 0,
                            registers.LATENCY_SUM_LO: 0, registers.LATENCY_LAST: 0})

    def read(self, address: int) -> int:
        self.accesses += 1
        if address in self.forced:
            return self.forced[address]
        if registers.ACTION <= address < registers.OBSERVATION:
            return int(self.action[(address - registers.ACTION) // 4])
        if address == registers.WAIT:
            return self.status | (registers.STATUS_TIMEOUT if self.status & registers.STATUS_BUSY else 0)
        size = self.geometry.action.frame_bytes << 16 | self.geometry.observation.frame_bytes
        return {registers.ID: registers.ID_VALUE, registers.VERSION: registers.VERSION_VALUE,
                registers.BUILD_ID: self.policy.build_id, registers.GEOMETRY: size, registers.STALL: 3,
                registers.CYCLES_LO: 7, registers.CYCLES_HI: 1, **self.values}.get(address, 0)

    def write(self, address: int, value: int) -> None:
        self.accesses += 1
        if address == registers.CTRL:
            if value & registers.CTRL_SOFT_RESET:
                self._clear()
            self.status = self.status & ~registers.STATUS_AUTO_START | (value & registers.CTRL_AUTO_START) << 2
        elif address >= registers.OBSERVATION:
            index = (address - registers.OBSERVATION) // 4
            self.frame[index] = value
            if index == len(self.frame) - 1 and self.status & registers.STATUS_AUTO_START:
                self._infer()
        else:
            self.values[address] = value

    def _infer(self) -> None:
        if self.hangs:
            self.status = self.status & ~registers.STATUS_DONE | registers.STATUS_BUSY
            return
        observation, action = self.geometry.observation, self.geometry.action
        codes = observation.unpack(self.frame.view(np.uint8)[:observation.frame_bytes])
        result = action.pack(accumulators(self.policy, codes.astype(np.int8)))[0]
        self.action.view(np.uint8)[:len(result)] = result
        self.status |= registers.STATUS_DONE
        self.values[registers.COUNT] += 1
        self.values[registers.LATENCY_SUM_LO] += LATENCY
        for address in (registers.LATENCY_MIN, registers.LATENCY_MAX, registers.LATENCY_LAST):
            self.values[address] = LATENCY

    def close(self) -> None:
        self.closed = True


class ModelDevice(BridgeDevice):
    """The least a device with a bridge must have."""

    def __init__(self, policy: Policy, accel, model: BridgeModel):
        super().__init__(policy, accel)
        self.model = model

    def attach(self) -> Registers:
        self.model.closed = False
        return self.model
