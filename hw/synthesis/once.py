"""What Yosys makes of a stitched folder, made once and kept in the cache."""
from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from quarl.host.files import scratch_folder
from quarl.hw.stitching.sources import sources_in
from quarl.hw.tools import packages
from quarl.hw.tools.cache import cached, digest
from quarl.hw.tools.prerequisites import require
from quarl.hw.tools.yosys import WORKER

Fill = Callable[[Path, list[str], Path], None]


def yosys_cached(kind: str, folder: Path, top: str, key: Sequence[str], code: Sequence[Path], fill: Fill) -> Path:
    """The cache's entry of ``kind`` for what Yosys makes of the stitched ``folder``; if it is missing, it is filled.

    ``fill(work, files, stage)`` finds copies of the RTL sources for ``top``, ``files`` in compilation order, and of the
    memory images in the scratch folder ``work``, and leaves what is to be kept in ``stage``. What decides the result is
    ``key``, our own ``code``, Yosys, and its inputs by name and content. Raises ToolError where Yosys or sources are
    missing, and what ``fill`` raises.
    """
    require("synthesise")
    files = sources_in(folder, top)
    inputs = [*files, *sorted(folder.glob("*.dat"))]
    contents = [part for file in (*inputs, *code, Path(__file__), WORKER) for part in (file.name, file.read_bytes())]

    def filled(stage: Path) -> None:
        with scratch_folder(kind) as scratch:
            for file in inputs:
                shutil.copy(file, scratch)
            fill(scratch, [file.name for file in files], stage)

    return cached(kind, digest([*key, packages.version("pyosys"), *contents]), filled)
