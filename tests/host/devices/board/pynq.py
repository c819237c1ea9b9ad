"""What ``import pynq`` gives where the board package is tried out: a simulated bridge behind its registers.

It is the emulated RTL where the package has an emulator, else a model in Python.
"""
import os
from pathlib import Path

from quarl.host import policy
from quarl.host.accelerator import description
from tests.host.devices.pynq_shim import RegisterArray

__version__ = "3.0.1"
os.geteuid = lambda: 0
_loaded = []


class Overlay:
    def __init__(self, bitfile_name):
        accel = Path(bitfile_name).parent
        if (accel / "emulator.so").exists():
            from quarl.host.devices.emulator import Emulator
            _loaded[:] = [Emulator(accel / "emulator.so", accel / "rtl")]
        else:
            from tests.host.devices.bridge_model import BridgeModel
            _loaded[:] = [BridgeModel(policy.read(accel.parent / "policy"), description.read(accel).geometry)]


class MMIO:
    def __init__(self, base_addr, length):
        self.array = RegisterArray(_loaded[0])
