"""Whether Vivado needs a licence for a chip, and whether one is at hand, as far as that shows without running it."""
from __future__ import annotations

import os
import re
from pathlib import Path

from quarl.host.errors import ToolError

# Zynq devices of the free edition, Vivado ML Standard: AMD UG973 of 2018.2 and 2022.2, "Architecture Support", which
# has no RFSoC; ZU1, ZU3T and Kria's chips by the README of mithro/prjuray, for 2025.2. From 2026.1, which FINN+ does
# not support, the free edition wants a licence file as well.
_FREE = re.compile(r"xc7z0(07s|10|12s|14s|15|20|30)|xczu([1-5]|3t|7)(cg|eg|ev)|xck2[46]")
_VARIABLES = ("XILINXD_LICENSE_FILE", "LM_LICENSE_FILE")


def check(part: str, home: Path | None = None) -> str:
    """What stands for a licence of ``part``. Raises :class:`ToolError` where it needs one and none is told of."""
    if _FREE.match(part):
        return f"none needed: Vivado ML Standard is free for an {part.partition('-')[0]}"
    files, servers = _told((home or Path.home()) / ".Xilinx")
    if not files and not servers:
        raise ToolError(f"Vivado needs a licence for an {part}",
                        f"none in {' or '.join(_VARIABLES)}, and no .lic file in ~/.Xilinx",
                        f"set {_VARIABLES[0]} to the licence file or to PORT@SERVER")
    return f"{', '.join([*map(str, files), *servers])}: only Vivado itself can tell whether it is valid"


def _told(folder: Path) -> tuple[list[Path], list[str]]:
    """Licence files that exist, and servers, which are not asked."""
    entries = [entry for name in _VARIABLES for entry in os.environ.get(name, "").split(os.pathsep) if entry]
    places = [Path(entry) for entry in entries if "@" not in entry]
    files = [file for place in places for file in (sorted(place.glob("*.lic")) if place.is_dir() else [place])]
    files += sorted(folder.glob("*.lic"))
    return [file for file in files if file.is_file()], [entry for entry in entries if "@" in entry]
