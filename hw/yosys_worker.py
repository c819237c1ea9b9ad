"""A process around Yosys: reads one job as JSON from stdin, prints the answer as JSON after ``@answer``."""
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pyosys import libyosys as ys

# Never --ignore-initial: it drops the memories' contents.
_SLANG = "--allow-use-before-declare --ignore-assertions --ignore-timing --best-effort-hierarchy"
_XILINX = Path(ys.__file__).parent / "share" / "xilinx"
# Primitives that the library's DSP engine instantiates, unknown to slang.
_PRIMITIVES = ("DSP48E1", "LUT6_2")


def _ports(job: dict[str, Any]) -> dict[str, list[tuple[str, str, int]]]:
    """Module -> (name, direction, width) of its ports, under default parameters."""
    design = ys.Design()
    for file in job["files"]:
        design.run_pass(f'tee -q read_verilog -lib -sv "{file}"')
    return {name: [(wire.name.str()[1:], "input" if wire.port_input else "output", wire.width)
                   for wire in _port_wires(design.module("\\" + name))] for name in job["modules"]}


def _port_wires(module: Any) -> list[Any]:
    return sorted((wire for wire in module.wires_.values() if wire.port_id), key=lambda wire: wire.port_id)


def _primitive_stubs() -> str:
    """Empty SystemVerilog modules with the ports and parameters that Yosys' own library gives the primitives."""
    design = ys.Design()
    design.run_pass(f'tee -q read_verilog -lib -specify "{_XILINX}/cells_sim.v"')
    stubs = []
    for name in _PRIMITIVES:
        module = design.module("\\" + name)
        parameters = [f"parameter {p.str()[1:]} = {_literal(module.parameter_default_values[p])}"
                      for p in module.avail_parameters]
        ports = [f"{'input' if wire.port_input else 'output'} wire [{wire.width - 1}:0] {wire.name.str()[1:]}"
                 for wire in _port_wires(module)]
        stubs.append(f"(* blackbox *) module {name} #({', '.join(parameters)}) ({', '.join(ports)}); endmodule")
    return "\n".join(stubs)


def _literal(value: Any) -> str:
    is_string = value.flags & 1
    bits = value.as_string()
    return f'"{value.decode_string()}"' if is_string else f"{len(bits)}'b{bits}"


def _synthesise(job: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Module -> cell type -> count, for the modules whose hierarchy is kept, sub-modules not included."""
    folder = Path(job["folder"])
    (folder / "primitives.sv").write_text(_primitive_stubs())
    files = [str(folder / "primitives.sv"), *job["files"]]
    design = ys.Design()
    run = lambda command: design.run_pass(f"tee -q -a {folder / 'yosys.log'} {command}")
    run(f"read_slang --top {job['top']} {_SLANG} " + " ".join(files))
    kept = [name for name in _modules(design) if name.split("$")[0] in job["keep"]]
    for name in kept:
        run(f"setattr -mod -set keep_hierarchy 1 {name}")
    run(f"synth_xilinx -family xc7 -top {job['top']} -flatten -noiopad -noclkbuf")
    run(f"tee -q -o {folder / 'cells.json'} stat -json")
    found = json.loads((folder / "cells.json").read_text())["modules"]
    return {name.lstrip("\\"): {k.lstrip("\\"): v for k, v in stats["num_cells_by_type"].items()} for name, stats in found.items()}


def _modules(design: Any) -> list[str]:
    return [name.str()[1:] for name in design.modules_]


def main() -> None:
    """Do the job on stdin."""
    job = json.load(sys.stdin)
    answer = {"ports": _ports, "synthesise": _synthesise}[job["job"]](job)
    print("\n@answer " + json.dumps(answer))


if __name__ == "__main__":
    main()
