"""A process around Yosys: reads one job as JSON from stdin, prints the answer as JSON after ``@answer``."""
from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyosys import libyosys as ys

# Never --ignore-initial: it drops the memories' contents.
_SLANG = "--allow-use-before-declare --ignore-assertions --ignore-timing --best-effort-hierarchy"
_XILINX = Path(ys.__file__).parent / "share" / "xilinx"
# Primitives that the library's DSP engine instantiates, unknown to slang.
_PRIMITIVES = {"xc7": ("DSP48E1", "LUT6_2"), "xcup": ("DSP48E2", "LUT6_2")}


def _ports(job: dict[str, Any]) -> dict[str, list[tuple[str, str, int]]]:
    """Module -> (name, direction, width) of its ports, under default parameters. Files are in the working directory."""
    design = ys.Design()
    for file in job["files"]:
        design.run_pass(f"read_verilog -lib -sv {file}")
    return {name: [(wire.name.str()[1:], "input" if wire.port_input else "output", wire.width)
                   for wire in _port_wires(design.module("\\" + name))] for name in job["modules"]}


def _port_wires(module: Any) -> list[Any]:
    return sorted((wire for wire in module.wires_.values() if wire.port_id), key=lambda wire: wire.port_id)


def _primitive_stubs(names: Sequence[str]) -> str:
    """Empty SystemVerilog modules with the ports and parameters that Yosys' own library gives the primitives."""
    design = ys.Design()
    for library in ("cells_sim.v", "cells_xtra.v"):
        if not all(design.module("\\" + name) for name in names):
            design.run_pass(f'tee -q read_verilog -lib -specify "{_XILINX}/{library}"')
    stubs = []
    for name in names:
        module = design.module("\\" + name)
        parameters = [f"parameter {p.str()[1:]} = {_literal(module.parameter_default_values[p])}"
                      for p in module.avail_parameters]
        ports = [f"{_direction(wire)} wire [{wire.width - 1}:0] {wire.name.str()[1:]}"
                 for wire in _port_wires(module)]
        stubs.append(f"(* blackbox *) module {name} #({', '.join(parameters)}) ({', '.join(ports)}); endmodule")
    return "\n".join(stubs)


def _direction(wire: Any) -> str:
    return "inout" if wire.port_input and wire.port_output else "input" if wire.port_input else "output"


def _literal(value: Any) -> str:
    is_string = value.flags & 1
    bits = value.as_string()
    return f'"{value.decode_string()}"' if is_string else f"{len(bits)}'b{bits}"


def _plain_operands_first(design: Any) -> None:
    """Make the operand that is marked ``keep`` the first of its adder.

    A carry chain passes its first operand on as it is, while the logic that makes the second merges with the adder.
    Yosys orders operands by width; a running sum is a plain signal, and what is added to it is not.
    """
    def port(name: str) -> Any:
        return ys.IdString("\\" + name)

    def kept(signal: Any) -> bool:
        return any(bit.is_wire() and bit.wire.has_attribute(port("keep")) for bit in signal.bits())

    for module in design.modules_.values():
        for cell in module.cells_.values():
            if cell.type.str() != "$alu" or not cell.getPort(port("BI")).is_fully_zero():     # it may subtract
                continue
            a, b = cell.getPort(port("A")), cell.getPort(port("B"))
            if kept(b) and not kept(a):
                cell.setPort(port("A"), b)
                cell.setPort(port("B"), a)
                for name in ("_SIGNED", "_WIDTH"):
                    left, right = cell.getParam(port("A" + name)), cell.getParam(port("B" + name))
                    cell.setParam(port("A" + name), right)
                    cell.setParam(port("B" + name), left)


def _keep_copies(design: Any) -> None:
    """Keep the registers that are marked ``dont_touch``: copies of one register, which would be merged again."""
    for module in design.modules_.values():
        for cell in module.cells_.values():
            if cell.hasPort(ys.IdString("\\Q")) and any(
                    bit.is_wire() and bit.wire.has_attribute(ys.IdString("\\dont_touch"))
                    for bit in cell.getPort(ys.IdString("\\Q")).bits()):
                cell.set_bool_attribute(ys.IdString("\\keep"))


def _read(job: dict[str, Any], stubs: Path) -> Any:
    """The design below ``top``.

    The working directory holds the sources under bare names (the front end knows no quoting) and the .dat files.
    """
    stubs.write_text(_primitive_stubs([*_PRIMITIVES[job.get("family", "xc7")], *job.get("primitives", ())]))
    design = ys.Design()
    design.run_pass(f"read_slang --top {job['top']} {_SLANG} {stubs} {' '.join(job['files'])}")
    _keep_copies(design)
    return design


def _map(job: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """The design in cells of ``family`` (xc7 where it is not given), and the modules of ``keep`` in it: their names
    there -> their names in the sources.

    Modules of ``keep`` stay whole, so another process can do those outside ``share``: here they are black boxes.
    """
    design = _read(job, Path(f"primitives_{job['share'][0]}.sv"))
    # The front end names the module of an instance MODULE or MODULE$PATH.
    names = {name.str()[1:]: name.str()[1:].split("$")[0] for name in design.modules_}
    kept = {name: module for name, module in names.items() if module in job["keep"]}
    mine = {name: module for name, module in kept.items() if module in job["share"]}
    for name in kept:
        design.run_pass(f"setattr -mod -set keep_hierarchy 1 {name}")
        if name not in mine and name != job["top"] and kept[name] != "accel":
            design.run_pass(f"blackbox {name}")
    dsp = "" if job["infer_dsp"] else "-nodsp"
    synth = f"synth_xilinx -family {job.get('family', 'xc7')} -top {job['top']} -flatten -noiopad -noclkbuf {dsp}"
    design.run_pass(f"{synth} -run begin:map_memory")
    _plain_operands_first(design)
    design.run_pass(f"{synth} -run map_memory:")
    return design, kept


def _synthesise(job: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Module -> cell type -> count, for the modules of ``share``; each counts what no other of ``keep`` holds."""
    design, kept = _map(job)
    answer = Path(f"stat_{job['share'][0]}.json")
    design.run_pass(f"tee -q -o {answer} stat -json")
    modules = json.loads(answer.read_text())["modules"]
    cells = {name.lstrip("\\"): stats["num_cells_by_type"] for name, stats in modules.items()}
    return {module: {cell.lstrip("\\"): n for cell, n in cells[name].items() if cell.lstrip("\\") not in kept}
            for name, module in kept.items() if module in job["share"]}


def _netlist(job: dict[str, Any]) -> list[str]:
    """Write what synthesis counts to ``netlist.v``; returns the types of its cells.

    The front end renames modules, so those of ``wrap`` come once more, in ``wrappers.sv``, under their own names and
    with the parameters that ``wrap`` gives each: they say nothing any more.
    """
    design, kept = _map({**job, "share": job["keep"]})
    design.run_pass("write_verilog -noattr netlist.v")
    wrappers = []
    for name, module in kept.items():
        if module in job["wrap"]:
            parameters = "".join(f"int {parameter} = 0, " for parameter in job["wrap"][module]).rstrip(", ")
            ports = ", ".join(f"{_direction(wire)} wire [{wire.width - 1}:0] {wire.name.str()[1:]}"
                              for wire in _port_wires(design.module("\\" + name)))
            head = f"module {module} #({parameters})" if parameters else f"module {module}"
            wrappers.append(f"{head} ({ports});\n  \\{name} mapped_i (.*);\nendmodule\n")
    Path("wrappers.sv").write_text("\n".join(wrappers))
    types = {cell.type.str()[1:] for name in kept for cell in design.module("\\" + name).cells_.values()
             if cell.type.isPublic()}
    return sorted(types - kept.keys())


def _place(job: dict[str, Any]) -> dict[str, int]:
    """Write the design, flattened, in cells that nextpnr-xilinx takes, to ``TOP.json``; cell type -> count.

    ``memories`` and ``tables`` are files of Verilog modules: what memories, and tables of two outputs, are made of.
    """
    design, _ = _map({**job, "share": job["keep"]})
    design.run_pass("setattr -mod -unset keep_hierarchy *")
    design.run_pass("flatten")
    design.run_pass(f"techmap -map {job['memories']}")
    design.run_pass("opt_clean")
    design.run_pass("tee -q -o stat.json stat -json")
    cells = json.loads(Path("stat.json").read_text())["modules"]["\\" + job["top"]]["num_cells_by_type"]
    design.run_pass(f"techmap -map {job['tables']}")     # after the count: the two outputs take one table
    design.run_pass("delete t:$scopeinfo")
    # Vivado's defaults, which the tool refuses on a slice whose pattern detector is off
    design.run_pass("setparam -unset PATTERN -unset MASK t:DSP48E1 r:USE_PATTERN_DETECT=NO_PATDET %i")
    _open_cascades(design)
    design.run_pass(f"write_json {job['top']}.json")
    return {cell.lstrip("\\"): n for cell, n in cells.items()}


def _open_cascades(design: Any) -> None:
    """Leave the DSP slices' cascade inputs open that are constant: only the slice below has a wire to them."""
    for module in design.modules_.values():
        for cell in module.cells_.values():
            if cell.type.str() == "\\DSP48E1":
                for port in map(ys.IdString, ("\\CARRYCASCIN", "\\MULTSIGNIN")):
                    if cell.hasPort(port) and cell.getPort(port).is_fully_const():
                        cell.unsetPort(port)


def _ecp5(job: dict[str, Any]) -> None:
    """Write the design, flattened, in cells of an ECP5, to ``ecp5.json``."""
    design = _read(job, Path("primitives.sv"))
    design.run_pass(f"synth_ecp5 -top {job['top']} -nodsp -json ecp5.json")


def main() -> None:
    """Do the job on stdin."""
    job = json.load(sys.stdin)
    answer = {"ports": _ports, "synthesise": _synthesise, "netlist": _netlist, "ecp5": _ecp5,
              "place": _place}[job["job"]](job)
    print("\n@answer " + json.dumps(answer))


if __name__ == "__main__":
    main()
