"""The devices that ``quarl run --device`` knows, by name."""
from __future__ import annotations

from host.device import Device
from host.errors import UserError
from host.files import PathLike
from host.policy import Policy

NAMES = ("emulator", "integer")


def create(name: str, policy: Policy, accel: PathLike) -> Device:
    """A closed device of kind ``name`` for ``policy``; ``accel`` is the folder of the built accelerator."""
    if name == "emulator":
        from host.devices.emulator import EmulatorDevice
        return EmulatorDevice(policy, accel)
    if name == "integer":
        from host.devices.integer import IntegerDevice
        return IntegerDevice(policy)
    raise UserError("the device must be one of %s" % ", ".join(NAMES), name, "choose one with --device")
