"""Stitch a pipeline of nodes into one structural SystemVerilog top, in a folder that can be moved.

A node comes with the block-design commands that its generator would give to a vendor's tool. Those commands are
interpreted here. Every node becomes one wrapper module ``accel_NODE``, so that synthesis can keep the hierarchy
and count its cells layer by layer.
"""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from quarl.host.errors import ToolError
from quarl.host.files import write_bytes
from quarl.hw.stitching.block_design import BlockDesign
from quarl.hw.stitching.nodes import Netlist, Node, Port
from quarl.hw.stitching.ports import Ports, ports_of
from quarl.hw.stitching.sources import SourceFolder

_STREAM_PIN = re.compile(r"(.*)_(TDATA|TVALID|TREADY)", re.IGNORECASE)
_SUFFIXES = ("tdata", "tvalid", "tready")


def stitch(nodes: Sequence[Node], out: Path, top: str = "accel",
           replace: Mapping[str, Path] | None = None) -> Netlist:
    """Write the sources, the memory images and ``TOP.sv`` of a linear pipeline to the folder ``out``.

    ``replace`` maps the base name of a source file to the file that takes its place (another compute engine).
    The top has the ports ap_clk, ap_rst_n, s_axis_0_* and m_axis_0_*. Raises ToolError for a command, a file or
    a connection that the stitcher does not understand.
    """
    if not nodes:
        raise ToolError("a pipeline must have a node", "none", "lower a policy that has at least one layer")
    for left, right in pairwise(nodes):
        if _stream(left, "outputs").width != _stream(right, "inputs").width:
            raise ToolError("neighbours in the pipeline must agree on the stream's width",
                            f"{left.name} with {left.outputs[0].width} and {right.name} with "
                            f"{right.inputs[0].width} bits", "insert a data-width converter")
    designs = [BlockDesign.from_commands(node) for node in nodes]
    folder = SourceFolder(out, dict(replace or {}))
    for node, design in zip(nodes, designs, strict=True):
        for file in design.files:
            folder.add(file, node.name)
    wanted = {module for design in designs for module in design.cells.values()}
    ports = ports_of(out, folder.files, wanted)
    text = [f"// Generated: the pipeline {' -> '.join(node.name for node in nodes)}\n"]
    text += [_wrapper(node, design, ports, top) for node, design in zip(nodes, designs, strict=True)]
    text.append(_top(nodes, top))
    write_bytes(out / f"{top}.sv", "\n".join(text).encode())
    return Netlist(top=top, files=[*folder.files, out / f"{top}.sv"],
                   in_width=nodes[0].inputs[0].width, out_width=nodes[-1].outputs[0].width,
                   instances={node.name: sorted(design.cells.values())
                              for node, design in zip(nodes, designs, strict=True)})


def _stream_ports(name: str, width: int, direction: str) -> list[str]:
    """Port declarations of a stream; ``direction`` is the one of its data."""
    back = "output" if direction == "input" else "input"
    return [f"{direction} wire [{width - 1}:0] {name}_tdata", f"{direction} wire {name}_tvalid",
            f"{back} wire {name}_tready"]


def _module(name: str, ports: list[str], body: list[str]) -> str:
    return "\n".join([f"module {name} (", "  " + ",\n  ".join(ports), ");",
                      *("  " + line for line in body), "endmodule\n"])


def _instance(module: str, name: str, connections: Mapping[str, str]) -> str:
    pins = ",\n    ".join(f".{pin}({net})" for pin, net in connections.items())
    return f"{module} {name} (\n    {pins});"


def _stream(node: Node, side: str) -> Port:
    """The one stream among a node's ``inputs`` or ``outputs``."""
    ports: list[Port] = getattr(node, side)
    if len(ports) != 1:
        raise ToolError(f"a node of a linear pipeline has one stream among its {side}",
                        f"{len(ports)} at {node.name}", "lower a policy without branches")
    return ports[0]


def _wrapper(node: Node, design: BlockDesign, ports: Ports, top: str) -> str:
    """The module of one node: its cells, wired as the commands say, other inputs tied to 0."""
    source, sink = _stream(node, "inputs"), _stream(node, "outputs")
    nets = {design.net(f"{node.name}/{pin}"): "ap_clk" for pin in node.clocks}
    nets |= {design.net(f"{node.name}/{pin}"): "ap_rst_n" for pin in node.resets}
    streams = {design.net(f"{node.name}/{source.name}"): "s_axis", design.net(f"{node.name}/{sink.name}"): "m_axis"}
    widths: dict[str, int] = {"s_axis_tdata": source.width, "m_axis_tdata": sink.width}
    used: set[str] = set()
    declared: dict[str, int] = {}
    cells = []
    for cell, module in design.cells.items():
        pins: dict[str, str] = {}
        for port in ports[module]:
            match = _STREAM_PIN.fullmatch(port.name)
            if design.knows(f"{cell}/{port.name}"):
                net = nets.get(design.net(f"{cell}/{port.name}"))
                if net is None:
                    raise ToolError("every connected scalar pin must be a clock or a reset",
                                    f"{cell}/{port.name}", "extend hw/stitching/stitch.py")
                pins[port.name] = net
            elif match and design.knows(f"{cell}/{match[1]}"):
                root = design.net(f"{cell}/{match[1]}")
                base = streams.setdefault(root, "net_" + re.sub(r"\W", "_", root))
                net = pins[port.name] = f"{base}_{match[2].lower()}"
                used.add(net)
                expected = widths.setdefault(net, port.width)
                if net.endswith("tdata") and expected != port.width:
                    raise ToolError(f"both ends of the stream {net} in {node.name} must have one width",
                                    f"{port.width} and {expected} bits", "check the node's generated wrapper")
                if base not in ("s_axis", "m_axis"):
                    declared[net] = port.width
            else:
                pins[port.name] = "'0" if port.direction == "input" else ""
        cells.append(_instance(module, cell.rsplit("/", 1)[-1] + "_i", pins))
    if loose := {f"{side}_{s}" for side in ("s_axis", "m_axis") for s in _SUFFIXES} - used:
        raise ToolError(f"the streams of {node.name} must lead to a cell",
                        ", ".join(sorted(loose)) + " connected to none", "check the names of the node's interfaces")
    body = [f"wire [{width - 1}:0] {net};" for net, width in declared.items()] + cells
    return _module(f"{top}_{node.name}", ["input wire ap_clk", "input wire ap_rst_n",
                                          *_stream_ports("s_axis", source.width, "input"),
                                          *_stream_ports("m_axis", sink.width, "output")], body)


def _top(nodes: Sequence[Node], top: str) -> str:
    """The chain of wrappers."""
    body: list[str] = []
    for i, node in enumerate(nodes):
        source = "s_axis_0" if i == 0 else f"s{i}"
        target = "m_axis_0" if i == len(nodes) - 1 else f"s{i + 1}"
        if target != "m_axis_0":
            body += [f"wire [{node.outputs[0].width - 1}:0] {target}_tdata;",
                     f"wire {target}_tvalid, {target}_tready;"]
        pins = {"ap_clk": "ap_clk", "ap_rst_n": "ap_rst_n"}
        pins |= {f"s_axis_{s}": f"{source}_{s}" for s in _SUFFIXES}
        pins |= {f"m_axis_{s}": f"{target}_{s}" for s in _SUFFIXES}
        body.append(_instance(f"{top}_{node.name}", f"{node.name}_i", pins))
    return _module(top, ["input wire ap_clk", "input wire ap_rst_n",
                         *_stream_ports("s_axis_0", nodes[0].inputs[0].width, "input"),
                         *_stream_ports("m_axis_0", nodes[-1].outputs[0].width, "output")], body)
