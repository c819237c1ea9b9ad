"""Ports of Verilog modules with their widths, read by Yosys in a process of its own."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from quarl.host.errors import ToolError
from quarl.hw.stitching.sources import modules_in
from quarl.hw.tools.yosys import run_yosys

Ports = dict[str, list["ModulePort"]]


@dataclass(frozen=True)
class ModulePort:
    """A port of a module; the width is the one under the module's default parameters."""

    name: str
    direction: str    # "input" or "output"
    width: int


def ports_of(folder: Path, files: Iterable[Path], modules: set[str]) -> Ports:
    """The ports of each of ``modules``. Raises ToolError when one is in none of the files, which are in ``folder``."""
    holders = {}
    for file in files:
        for module in modules_in(file):
            if module in modules:
                holders[module] = file.name
    if missing := sorted(modules - holders.keys()):
        raise ToolError("every cell's module must be in the node's files", ", ".join(missing),
                        "generate the RTL of the node again")
    found = run_yosys({"job": "ports", "files": sorted(set(holders.values())), "modules": sorted(modules)}, folder)
    return {module: [ModulePort(*port) for port in found[module]] for module in modules}
