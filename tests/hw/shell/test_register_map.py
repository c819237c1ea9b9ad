"""The register map: one source, and what is generated from it is up to date."""
from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from quarl.host.accelerator import registers
from quarl.hw.shell import register_map

CONSTANTS = {name: value for name, value in vars(registers).items() if name.isupper() and isinstance(value, int)}


@pytest.mark.parametrize("file", register_map.FILES, ids=lambda file: file.name)
def test_the_files_are_what_the_generator_writes(file: Path) -> None:
    assert file.read_text() == register_map.FILES[file](), "run `python -m quarl.hw.shell.register_map`"


def test_every_constant_is_declared_under_its_own_name() -> None:
    declared = {register.name: register.offset for register in registers.REGISTERS}
    declared |= {name: value for name, value, _ in registers.VALUES}
    for register in registers.REGISTERS:
        for bits in register.bits:
            assert bits.name.startswith(register.name + "_")
            declared |= {bits.name: 1 << bits.low} if bits.low == bits.high else {f"{bits.name}_SHIFT": bits.low}
    assert declared == CONSTANTS


def test_registers_are_aligned_ordered_and_their_bits_apart() -> None:
    offsets = [register.offset for register in registers.REGISTERS]
    assert offsets == sorted(set(offsets)) and not any(offset % 4 for offset in offsets)
    for register in registers.REGISTERS:
        used = [bit for bits in register.bits for bit in range(bits.low, bits.high + 1)]
        assert len(set(used)) == len(used) and all(0 <= bit < 32 for bit in used), register.name
    assert registers.RECOVERY_CYCLES >= registers.RESET_CYCLES + 3, "the request, the count, accel_rst_n"


def test_hardware_and_c_have_every_constant(tmp_path: Path) -> None:
    """By the text of the package, and by what a C compiler makes of the header."""
    package = dict(re.findall(r"(\w+) = (?:32)?'h(\w+);", register_map.systemverilog()))
    assert {name: int(value, 16) for name, value in package.items()} == CONSTANTS
    prints = "".join(f'printf("{name} %u\\n", QUARL_{name});' for name in CONSTANTS)
    program = tmp_path / "constants"
    subprocess.run(["g++", "-Wall", "-Wextra", "-Werror", "-pedantic", "-xc++", "-", "-o", program, "-include",
                    register_map.ROOT / "host" / "accelerator" / "c" / "quarl_registers.h"], text=True, check=True,
                   input=f"#include <cstdio>\nint main() {{ {prints} }}\n")
    lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split("\n")
    assert dict(line.split() for line in lines if line) == {name: str(value) for name, value in CONSTANTS.items()}
