"""Register map of the accelerator's AXI4-Lite bridge: the one source that hardware, C and Python share.

Every constant is a byte offset of a 32-bit register, a mask or a shift of bits in one, or a value. What is declared
here is also kept as data, from which ``python -m quarl.hw.shell.register_map`` writes the SystemVerilog package that
the bridge is built with, the C header of the emulator and the board, and the table in docs/registers.md.
"""
from __future__ import annotations

from typing import List, NamedTuple, Tuple


class Bits(NamedTuple):
    """A field of a register: bits ``high`` to ``low``. ``name`` is the register's with the field's behind it."""

    name: str
    low: int
    high: int
    meaning: str


class Register(NamedTuple):
    """A 32-bit register, or the first of a window. ``access`` is r, w or rw, ``offset`` in bytes."""

    name: str
    offset: int
    access: str
    meaning: str
    bits: List[Bits]


REGISTERS: List[Register] = []
VALUES: List[Tuple[str, int, str]] = []     # name, value, meaning


def _register(name: str, offset: int, access: str, meaning: str) -> int:
    """Declare a register; returns its offset."""
    REGISTERS.append(Register(name, offset, access, meaning, []))
    return offset


def _flag(name: str, bit: int, meaning: str) -> int:
    """Declare one bit of the register above; returns its mask."""
    REGISTERS[-1].bits.append(Bits(name, bit, bit, meaning))
    return 1 << bit


def _field(name: str, low: int, high: int, meaning: str) -> int:
    """Declare several bits of the register above; returns their shift."""
    REGISTERS[-1].bits.append(Bits(name, low, high, meaning))
    return low


def _value(name: str, value: int, meaning: str) -> int:
    """Declare a number that both sides must know; returns it."""
    VALUES.append((name, value, meaning))
    return value


ID = _register("ID", 0x00, "r", "ID_VALUE: this is a bridge")
VERSION = _register("VERSION", 0x04, "r", "VERSION_VALUE: major in the upper 16 bits, minor in the lower")
CTRL = _register("CTRL", 0x08, "w", "commands, in the lowest byte; reads 0")
CTRL_START = _flag("CTRL_START", 0, "start an inference; ignored where SOFT_RESET is set too")
CTRL_SOFT_RESET = _flag("CTRL_SOFT_RESET", 1, "clear flags and statistics and reset the accelerator, also in mid-frame")
CTRL_AUTO_START = _flag("CTRL_AUTO_START", 2, "keep this bit: while it is 1, a write of the observation's last byte "
                                              "starts an inference")
STATUS = _register("STATUS", 0x0C, "r", "state of the inference")
STATUS_BUSY = _flag("STATUS_BUSY", 0, "an inference was started and is not finished")
STATUS_DONE = _flag("STATUS_DONE", 1, "the last inference that was started is finished: ACTION holds its result")
STATUS_OVERRUN = _flag("STATUS_OVERRUN", 2, "a start came while busy and was refused; stays until a reset")
STATUS_TIMEOUT = _flag("STATUS_TIMEOUT", 3, "a read of WAIT gave up; stays until the next start or reset")
STATUS_AUTO_START = _flag("STATUS_AUTO_START", 4, "CTRL_AUTO_START as written last")
STATUS_SEQUENCE_SHIFT = _field("STATUS_SEQUENCE", 16, 31, "the lower half of COUNT")
GEOMETRY = _register("GEOMETRY", 0x10, "r", "bytes that a packed observation and a packed action have")
GEOMETRY_OBSERVATION_SHIFT = _field("GEOMETRY_OBSERVATION", 0, 15, "bytes of an observation")
GEOMETRY_ACTION_SHIFT = _field("GEOMETRY_ACTION", 16, 31, "bytes of an action")
LATENCY_LAST = _register("LATENCY_LAST", 0x14, "r", "latency of the last inference: clock cycles from the write that "
                                                    "started it to its whole action")
CYCLES_LO = _register("CYCLES_LO", 0x18, "r", "clock cycles since the hard reset; a read latches CYCLES_HI")
CYCLES_HI = _register("CYCLES_HI", 0x1C, "r", "upper half, of the time of the last read of CYCLES_LO")
LATENCY_MIN = _register("LATENCY_MIN", 0x20, "r", "least latency since the last reset; 0xFFFFFFFF before an inference")
LATENCY_MAX = _register("LATENCY_MAX", 0x24, "r", "greatest latency since the last reset")
LATENCY_SUM_LO = _register("LATENCY_SUM_LO", 0x28, "r", "sum of the latencies since the last reset; a read latches "
                                                        "LATENCY_SUM_HI")
LATENCY_SUM_HI = _register("LATENCY_SUM_HI", 0x2C, "r", "upper half, of the time of the last read of LATENCY_SUM_LO")
COUNT = _register("COUNT", 0x30, "r", "finished inferences since the last reset")
STALL = _register("STALL", 0x34, "r", "cycles since the last reset in which the accelerator did not take a beat of an "
                                      "observation")
WAIT = _register("WAIT", 0x38, "r", "STATUS, but the answer is held back until no inference runs, or TIMEOUT is over; "
                                    "then TIMEOUT is set in it")
TIMEOUT = _register("TIMEOUT", 0x3C, "rw", "cycles that a read of WAIT may take; DEFAULT_TIMEOUT after the hard reset")
BUILD_ID = _register("BUILD_ID", 0x40, "r", "first 32 bits of the hash of the policy package that is built in")
ACTION = _register("ACTION", 0x100, "r", "packed action, little endian; whole while STATUS_DONE is set")
OBSERVATION = _register("OBSERVATION", 0x400, "rw", "packed observation, little endian; bytes beyond it read 0")

ID_VALUE = _value("ID_VALUE", 0x51524C31, "\"QRL1\"")
VERSION_VALUE = _value("VERSION_VALUE", 0x00010000, "version 1.0 of this map")
DEFAULT_TIMEOUT = _value("DEFAULT_TIMEOUT", 100000, "cycles, 1 ms at 100 MHz")
RESET_CYCLES = _value("RESET_CYCLES", 16, "cycles that a reset of the accelerator lasts")
RECOVERY_CYCLES = _value("RECOVERY_CYCLES", 32, "cycles from a soft reset until the accelerator runs for certain")
