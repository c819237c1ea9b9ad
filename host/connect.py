"""The devices that ``quarl run --device`` knows, by name."""
from __future__ import annotations

from typing import Optional

from quarl.host.devices.interface import Device
from quarl.host.errors import UserError
from quarl.host.files import PathLike
from quarl.host.policy import Policy

NAMES = ("emulator", "integer", "pynq", "finn-dma")
REMOTE = "tcp://"


def create(name: str, policy: Policy, accel: PathLike, keys: Optional[PathLike] = None) -> Device:
    """A closed device of kind ``name`` for ``policy``; ``accel`` is the folder of the built accelerator.

    ``tcp://HOST:PORT`` is the device of a server there, for which ``keys`` is the folder of the client's keys.
    """
    if name == "emulator":
        from quarl.host.devices.emulator import EmulatorDevice
        return EmulatorDevice(policy, accel)
    if name == "integer":
        from quarl.host.devices.integer import IntegerDevice
        return IntegerDevice(policy)
    if name == "pynq":
        from quarl.host.devices.pynq import PynqDevice
        return PynqDevice(policy, accel)
    if name == "finn-dma":
        from quarl.host.devices.finn_dma import FinnDmaDevice
        return FinnDmaDevice(policy, accel)
    if name.startswith(REMOTE):
        from quarl.host.remote.client import RemoteDevice
        return RemoteDevice(policy, name, keys)
    raise UserError("the device must be one of %s or %sHOST:PORT" % (", ".join(NAMES), REMOTE), name,
                    "choose one with --device")
