"""The register map of host/accelerator/registers.py for those who cannot import it: SystemVerilog, C, and people.

    python -m quarl.hw.shell.register_map      # writes the files again; a test holds them equal to what is written here
"""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from quarl.host.accelerator.registers import REGISTERS, VALUES
from quarl.host.files import write_bytes
from quarl.hw.shell.shell import RTL

ROOT = Path(__file__).resolve().parents[2]
_ORIGIN = ("Generated from host/accelerator/registers.py by `python -m quarl.hw.shell.register_map`: "
           "the bridge's register map")


def _constants() -> Iterator[tuple[str, str, int, int, str]]:
    """Kind, name, value, hexadecimal digits and meaning of every constant of the register map."""
    for register in REGISTERS:
        yield "offset", register.name, register.offset, 3, f"{register.access}: {register.meaning}"
        for bits in register.bits:
            if bits.low == bits.high:
                yield "mask", bits.name, 1 << bits.low, 8, bits.meaning
            else:
                yield "shift", f"{bits.name}_SHIFT", bits.low, 2, f"{bits.meaning}, up to bit {bits.high}"
    for name, value, meaning in VALUES:
        yield "value", name, value, 8, meaning


def systemverilog() -> str:
    """The package that the bridge imports."""
    lines = [f"// {_ORIGIN}", "package quarl_registers_pkg;"]
    for kind, name, value, digits, meaning in _constants():
        typed = f"int unsigned  {name} = 'h" if kind in ("offset", "shift") else f"logic [31:0]  {name} = 32'h"
        lines.append(f"\tlocalparam {typed}{value:0{digits}X};    // {meaning}")
    return "\n".join([*lines, "endpackage : quarl_registers_pkg", ""])


def c_header() -> str:
    """The header of the emulator and of the board's step function: ``QUARL_`` in front of every name."""
    lines = [f"/* {_ORIGIN} */", "#ifndef QUARL_REGISTERS_H", "#define QUARL_REGISTERS_H", ""]
    lines += [f"#define QUARL_{name} 0x{value:0{digits}X}u    /* {meaning} */"
              for _, name, value, digits, meaning in _constants()]
    return "\n".join([*lines, "", "#endif", ""])


def markdown() -> str:
    """The document: registers in the order of their offsets, each with its fields, then the values."""
    lines = [f"<!-- {_ORIGIN} -->", "# Registers", "",
             "Words of 32 bits behind one AXI4-Lite port. Every access is answered OKAY: an offset without a register "
             "reads 0,", "and a write to it or to a read-only register does nothing. Byte strobes are honoured.", "",
             "| offset | register | access | bits | meaning |", "| --- | --- | --- | --- | --- |"]
    for register in REGISTERS:
        lines.append(f"| 0x{register.offset:03X} | {register.name} | {register.access} | | {register.meaning} |")
        for bits in register.bits:
            place = f"{bits.low}" if bits.low == bits.high else f"{bits.high}:{bits.low}"
            lines.append(f"| | | | {place} {bits.name[len(register.name) + 1:]} | {bits.meaning} |")
    lines += ["", "| value | | meaning |", "| --- | --- | --- |"]
    lines += [f"| {name} | 0x{value:08X} | {meaning} |" for name, value, meaning in VALUES]
    return "\n".join([*lines, ""])


FILES = {RTL / "quarl_registers_pkg.sv": systemverilog,
         ROOT / "host" / "accelerator" / "c" / "quarl_registers.h": c_header,
         ROOT / "docs" / "registers.md": markdown}


def main() -> None:
    """Write all files."""
    for file, text in FILES.items():
        write_bytes(file, text().encode())


if __name__ == "__main__":
    main()
