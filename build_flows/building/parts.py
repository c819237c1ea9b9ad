"""Which part of a design a node or an instance belongs to: a layer, the streams between layers, the bridge, the shell.

Nodes are FINN's, and ours for engine rom: an operation and a number, such as ``MVTU_rtl_1``.
"""
from __future__ import annotations

import re

from quarl.hw.shell.shell import BRIDGE_MODULE, SHELL_TOP
from quarl.hw.vivado.bridge_ip import CELL

# What the nodes of a pipeline do, by their operation
ROLES = {"MVAU_rtl": "unit", "MVTU_rtl": "unit", "Thresholding_rtl": "thresholds", "StreamingFIFO_rtl": "fifos",
         "StreamingDataWidthConverter_rtl": "converter"}
_LAYER = ("unit", "thresholds")      # the roles that a layer's own nodes have
_NODE = re.compile(r"((\w+)_rtl_\d+)_i")
_CHANNEL = re.compile(r"gen(?:PE|Channel|Weights|Flags)\[(\d+)\]")
_ZYNQ_NODE = re.compile(r"StreamingDataflowPartition_\d+_(\w+_rtl_\d+)")


def group_of(node: str) -> str:
    """``layer N`` for a matrix-vector unit, its thresholds, or both in one; ``streams`` for FIFOs and converters.

    ``bridge`` stands for itself.
    """
    operation, _, number = node.rpartition("_")
    if ROLES.get(operation) in _LAYER:
        return "layer " + number
    return "bridge" if node == "bridge" else "streams"


def group_in_zynq(instance: str) -> str | None:
    """The group that an instance of FINN+'s Zynq design belongs to; None for the shell's own."""
    if instance == CELL:
        return "bridge"
    node = _ZYNQ_NODE.fullmatch(instance)
    return group_of(node[1]) if node else None


def named(instance: str) -> tuple[str, str, int | None]:
    """Part (``layer 1``, ``bridge``, ``streams``), unit (``dot.sum``) and channel of a pass, of an instance's path.

    The path starts in our shell. Without an instance below it, the unit is the module itself; outside any part, all is
    ``shell``.
    """
    steps = instance.split(".")
    if steps[0] == "bridge_i":
        return "bridge", _unit(steps[1:]) or BRIDGE_MODULE, None
    nodes = [(index, match) for index, match in enumerate(map(_NODE.fullmatch, steps)) if match]
    if not nodes:
        return "shell", _unit(steps) or SHELL_TOP, None
    index, node = nodes[-1]
    channel = next((int(match[1]) for match in map(_CHANNEL.fullmatch, steps[index + 1:]) if match), None)
    part = group_of(node[1])
    return part, _unit(steps[index + 1:]) or (node[1] if part == "streams" else node[2].lower()), channel


def _unit(steps: list[str]) -> str:
    """Names of the instances along ``steps``, without generate blocks and memories' elements."""
    return ".".join(step.removesuffix("_i") for step in steps if step.endswith("_i"))
