"""The register map is the same in the bridge's source and in host/registers.py."""
from __future__ import annotations

import re

from host import registers
from hw.shell import RTL

BRIDGE = (RTL / "axil_bridge.sv").read_text()


def test_offsets_agree() -> None:
    hardware = {name: int(value, 16) for name, value in re.findall(r"\bA_(\w+) = 'h([0-9A-F]+)", BRIDGE)}
    software = {name: getattr(registers, name) for name in hardware}
    assert len(hardware) == 19
    assert hardware == software


def test_constants_agree() -> None:
    found = dict(re.findall(r"(ID|VERSION) +=\s+32'h(\w+);", BRIDGE))
    assert int(found["ID"], 16) == registers.ID_VALUE
    assert int(found["VERSION"], 16) == registers.VERSION_VALUE
    assert "RESET_CYCLES = 16" in BRIDGE and registers.RECOVERY_CYCLES >= 16 + 3    # Clear, the count, accel_rst_n
    assert f"DEFAULT_TIMEOUT = {registers.DEFAULT_TIMEOUT:_}" in BRIDGE
