"""A package ``pynq`` for a PC: its registers and DMAs are those of a simulated accelerator."""
from __future__ import annotations

import ctypes
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from quarl.host.accelerator import native
from quarl.host.accelerator.geometry import Geometry
from quarl.host.accelerator.registers import RECOVERY_CYCLES
from quarl.host.devices.bridge import Registers

HOOKS = Path(__file__).parent / "c" / "hooks.h"
FINN_DRIVER = Path(sys.prefix) / "finn-driver"


class _Hooks(ctypes.Structure):
    _fields_ = [("read", ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32)),
                ("write", ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32))]


class RegisterArray:
    """What ``MMIO.array`` is on a board; ``ctypes.data`` leads C to the same registers, through hooks.h."""

    def __init__(self, registers: Registers):
        self.registers = registers
        kinds = dict(_Hooks._fields_)
        self._hooks = _Hooks(kinds["read"](registers.read), kinds["write"](registers.write))
        self.ctypes = types.SimpleNamespace(data=ctypes.addressof(self._hooks))

    def __getitem__(self, index: int) -> np.uint32:
        return np.uint32(self.registers.read(4 * index))

    def __setitem__(self, index: int, value: int) -> None:
        self.registers.write(4 * index, value)
        self.registers.idle(RECOVERY_CYCLES)        # as many pass at least, on a board, until Python has gone on


class Dma:
    """The registers of one of FINN's two DMAs: control, address (64 bits), repetitions."""

    def __init__(self, board: Board):
        self.board, self.control, self.written = board, 4, {}

    def read(self, offset: int = 0) -> int:
        return self.control if offset == 0 else self.written.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        self.written[offset] = value
        if offset == 0 and value & 1:
            self.control = 1
            self.board.transfer()

    @property
    def frames(self) -> np.ndarray:
        """The memory at its address, uint8 [repetitions, bytes]."""
        memory = self.board.memory[self.written[0x10] | self.written[0x14] << 32]
        return memory.reshape(self.written[0x1C], -1)


class Buffer(np.ndarray):
    """Memory that the DMAs see."""

    device_address = 0

    def flush(self) -> None:
        """Nothing is cached."""

    invalidate = flush


class Board:
    """What is on the other side: ``registers`` of a bridge, or ``compute``, which turns a frame of bytes into one."""

    def __init__(self, registers: Registers | None = None, compute: Any = None):
        self.registers, self.compute = registers, compute
        self.memory: dict[int, np.ndarray] = {}
        self.loaded: list[str] = []
        self.mapped: list[tuple[int, int]] = []

    def transfer(self) -> None:
        """Both DMAs are set up: move the frames. A ``compute`` that returns None never ends."""
        if self.idma.control & 1 and self.odma.control & 1:
            for given, result in zip(self.idma.frames, self.odma.frames, strict=True):
                answer = self.compute(np.asarray(given))
                if answer is None:
                    return
                result[:] = answer
            self.idma.control = self.odma.control = 6       # idle, done

    def allocate(self, shape: Any, dtype: Any = "u4", **_: Any) -> Buffer:
        """``pynq.allocate``."""
        buffer = np.zeros(shape, dtype).view(Buffer)
        buffer.device_address = 0x10000000 + 0x1000 * len(self.memory)
        self.memory[buffer.device_address] = buffer
        return buffer


def install(monkeypatch: Any, board: Board, version: str = "3.0.1") -> None:
    """Let ``import pynq`` give this board, and this process be root."""
    class Overlay:
        def __init__(self, bitfile_name: str, download: bool = True, device: Any = None, **_: Any):
            board.loaded.append(bitfile_name)
            self.device, self.ip_dict = device, {}
            board.idma = self.idma0 = Dma(board)
            board.odma = self.odma0 = Dma(board)

    class MMIO:
        def __init__(self, base_addr: int, length: int):
            board.mapped.append((base_addr, length))
            self.array = RegisterArray(board.registers)

    pynq = types.ModuleType("pynq")
    pynq.__dict__.update(__version__=version, Overlay=Overlay, Bitstream=None, MMIO=MMIO, allocate=board.allocate)
    processor = types.ModuleType("pynq.ps")
    processor.__dict__.update(Clocks=types.SimpleNamespace(fclk0_mhz=100.0))
    monkeypatch.setitem(sys.modules, "pynq", pynq)
    monkeypatch.setitem(sys.modules, "pynq.ps", processor)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.syspath_prepend(str(FINN_DRIVER))
    for name in [name for name in sys.modules if name.startswith("finn_plus_driver")]:
        monkeypatch.delitem(sys.modules, name)      # its classes derive from an earlier shim's


def finn_settings(geometry: Geometry) -> dict[str, Any]:
    """The settings.json that FINN's build writes for its driver."""
    shapes = {"idma_names": ["idma0"], "odma_names": ["odma0"], "num_inputs": 1, "num_outputs": 1,
              "number_of_external_weights": 0, "external_weights_input_shapes": {}}
    for side, stream in (("i", geometry.observation), ("o", geometry.action)):
        shapes.update({f"{side}dt": [f"DataType['INT{stream.bits}']"],
                       f"{side}shape_normal": [[1, stream.beats * stream.lanes]],
                       f"{side}shape_folded": [[1, stream.beats, stream.lanes]],
                       f"{side}shape_packed": [[1, stream.beats, stream.beat_bytes]]})
    return {"driver_information": {"driver_type": "FINNDMAOverlay", "platform": "zynq-iodma", "fclk_mhz": 100.0,
                                   "external_weights": False, "runtime_weights": False, "io_shape_dict": shapes}}


def step_in_c(monkeypatch: Any) -> None:
    """The step function with its registers' accesses through hooks.h."""
    compiled = native.compiled
    monkeypatch.setattr(native, "compiled", lambda: compiled(("-include", str(HOOKS))))


def step_in_python(monkeypatch: Any) -> None:
    """No compiler."""
    monkeypatch.setattr(native, "compiled", lambda: None)
