"""FINN's nodes as plain data for the stitcher."""
from __future__ import annotations

from typing import Any

from quarl.hw.stitching.nodes import Node, Port


def describe(model: Any) -> list[Node]:
    """The nodes of a lowered model, which is a chain, with the block-design commands that each one emits."""
    from qonnx.custom_op.registry import getCustomOp

    nodes = []
    for node in model.graph.node:
        operation = getCustomOp(node)
        names = operation.get_verilog_top_module_intf_names()
        nodes.append(Node(
            name=node.name, commands=operation.code_generation_ipi(), clocks=names["clk"], resets=names["rst"],
            inputs=[Port(name, width) for name, width in names["s_axis"][:1]],
            outputs=[Port(name, width) for name, width in names["m_axis"]]))
    return nodes
