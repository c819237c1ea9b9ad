"""The hardware handoff file (.hwh) that lies beside a bitstream: where the bridge is."""
from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from quarl.host.errors import UserError
from quarl.host.files import PathLike

PORT = "s_axi_ctrl"                   # of the bridge, in hw/shell/rtl/axil_bridge.sv
_FIX = "build the bitstream again with `quarl build RUN --target bitstream`, and copy both files, .bit and .hwh"
DEFAULT_BASE = 0x40000000             # where our bitstreams place it


class Window(NamedTuple):
    """Physical addresses of a slave: the first byte, and how many."""

    base: int
    size: int


def bridge(path: PathLike) -> Window:
    """The bridge's window, as the processor sees it. Raises :class:`UserError` unless the file names one."""
    try:
        root = ElementTree.parse(str(Path(path))).getroot()
        found = {Window(base, int(entry.attrib["HIGHVALUE"], 0) + 1 - base)
                 for entry in root.iter("MEMRANGE") if entry.get("SLAVEBUSINTERFACE", "").lower() == PORT
                 for base in (int(entry.attrib["BASEVALUE"], 0),)}
    except (OSError, ElementTree.ParseError, KeyError, ValueError) as error:
        raise UserError("a bitstream must have a hardware handoff file", "%s: %s" % (path, error), _FIX) from error
    if len(found) != 1:
        raise UserError("the hardware handoff file must place one slave named %s" % PORT,
                        "%d in %s" % (len(found), path), _FIX)
    return found.pop()
