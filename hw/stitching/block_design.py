"""The few block-design commands that RTL nodes emit, interpreted: files, cells, and which pins belong together."""
from __future__ import annotations

import re
from dataclasses import dataclass, field

from quarl.host.errors import ToolError
from quarl.hw.stitching.nodes import Node

_IGNORED = ("create_bd_pin", "create_bd_intf_pin", "save_bd_design", "assign_bd_address")
_ADD_FILES = re.compile(r"add_files (?:-copy_to \S+ )?(?:-norecurse )?(\S.*)")    # one file, whose path may have spaces


@dataclass
class BlockDesign:
    """Files to compile, cells (path -> module) and a union-find of pin paths."""

    files: list[str] = field(default_factory=list)
    cells: dict[str, str] = field(default_factory=dict)
    _parent: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_commands(cls, node: Node) -> BlockDesign:
        """Interpret a node's commands. Raises ToolError for one that is not understood."""
        design = cls()
        for command in node.commands:
            try:
                design._run(command)
            except (ValueError, IndexError) as error:
                raise ToolError("the stitcher must understand every block-design command",
                                f"{command!r} of {node.name}", "extend hw/stitching/block_design.py") from error
        if not design.cells:
            raise ToolError("a node must create a cell", f"none in {node.name}", "generate the node's RTL first")
        return design

    def _run(self, command: str) -> None:
        if match := _ADD_FILES.fullmatch(command.strip()):
            if match[1] not in self.files:
                self.files.append(match[1])
            return
        words = command.replace("[", " ").replace("]", " ").split()
        if not words or words[0] in _IGNORED:
            return
        if words[0] == "create_bd_cell":
            if "-reference" in words:      # without it, the cell is a level of hierarchy, which is flattened here
                self.cells[words[-1].strip("/")] = words[words.index("-reference") + 1]
        elif words[0] in ("connect_bd_net", "connect_bd_intf_net"):
            getter, left, getter2, right = words[1:]
            if not getter.startswith("get_bd_") or getter != getter2:
                raise ValueError(command)
            self._parent[self.net(left)] = self.net(right)
        else:
            raise ValueError(command)

    def knows(self, pin: str) -> bool:
        """Whether a command or a query has named this pin."""
        return pin.strip("/") in self._parent

    def net(self, pin: str) -> str:
        """The representative of the net that ``pin`` is on."""
        pin = pin.strip("/")
        self._parent.setdefault(pin, pin)
        while self._parent[pin] != pin:
            pin = self._parent[pin]
        return pin
