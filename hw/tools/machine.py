"""What a flow needs of the machine itself: disk and memory."""
from __future__ import annotations

import re
import shutil
from pathlib import Path

from quarl.host.errors import ToolError

_MEMORY = Path("/proc/meminfo")
_LIMIT = Path("/sys/fs/cgroup/memory.max")      # of a container


def check_disk(folder: Path, free_gb: float, who: str) -> str:
    """Free space on the disk of ``folder``, which may be still to be made; ``who`` needs ``free_gb`` of it.

    Raises :class:`ToolError` where there is less.
    """
    place = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free / 1e9
    if free < free_gb:
        raise ToolError(f"{who} needs {free_gb:g} GB of free disk", f"{free:.1f} GB at {place}",
                        "free some space, or keep the folder on another disk")
    return f"{free:.0f} GB free at {place}"


def check_memory(free_gb: float, who: str) -> str:
    """Memory that programs can still get, swap included; ``who`` needs ``free_gb`` of it. A container's limit counts.

    Raises :class:`ToolError` where there is less.
    """
    fields = dict(re.findall(r"(\w+):\s+(\d+) kB", _MEMORY.read_text()))
    free = 1024e-9 * (int(fields["MemAvailable"]) + int(fields["SwapFree"]))
    limit = _LIMIT.read_text().strip() if _LIMIT.is_file() else "max"
    if limit.isdigit():
        free = min(free, 1e-9 * int(limit))
    if free < free_gb:
        raise ToolError(f"{who} needs {free_gb:g} GB of free memory", f"{free:.1f} GB",
                        "end other programs, or add memory or swap: what lacks memory is killed in mid-run")
    return f"{free:.0f} GB free"
