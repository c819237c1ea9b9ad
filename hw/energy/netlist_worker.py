"""A process around Yosys: the cells and nets of ``netlist.v``, of hw/synthesis/netlist.py, as ``nets.json``.

Not a job of hw/tools/yosys_worker.py: what that file has made is cached by its content.
"""
from __future__ import annotations

import json
import sys

from pyosys import libyosys as ys


def main() -> None:
    """Read the netlist in the working directory. The job on stdin names the library of the chip's cells."""
    job = json.load(sys.stdin)
    design = ys.Design()
    design.run_pass(f'read_verilog -lib -nowb "{job["library"]}"')
    design.run_pass("read_verilog netlist.v")
    design.run_pass("write_json nets.json")
    print("\n@answer null")


if __name__ == "__main__":
    main()
