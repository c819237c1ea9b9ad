"""Run a Yosys job in a process of its own: Ctrl-C ends it, and its global symbols stay out of ours. Once is enough."""
from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from quarl.host.errors import ToolError
from quarl.hw.stitching.sources import sources_in
from quarl.hw.tools import packages, process
from quarl.hw.tools.cache import cached, digest
from quarl.hw.tools.prerequisites import require

_WORKER = Path(__file__).with_name("yosys_worker.py")
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
    contents = [part for file in (*inputs, *code, Path(__file__), _WORKER) for part in (file.name, file.read_bytes())]

    def filled(stage: Path) -> None:
        with tempfile.TemporaryDirectory(prefix=f"quarl-{kind}-") as scratch:
            for file in inputs:
                shutil.copy(file, scratch)
            fill(Path(scratch), [file.name for file in files], stage)

    return cached(kind, digest([*key, packages.version("pyosys"), *contents]), filled)


def run_yosys(job: dict[str, Any], folder: Path, timeout: float | None = None, worker: Path = _WORKER) -> Any:
    """Run one job of hw/tools/yosys_worker.py, or of another ``worker``, in ``folder``; returns its answer.

    Raises ToolError with the end of the log, TimeoutError after ``timeout`` seconds.
    """
    # Yosys splits its own commands at the spaces of a temporary path: it gets a relative one.
    done = process.run([sys.executable, "-P", str(worker)], json.dumps(job), dict(os.environ, TMPDIR="."), folder,
                       timeout)
    # Yosys keeps a buffer of its own, so that lines of its log may come after the answer.
    answer = re.search(r"^@answer (.*)$", done.stdout, re.MULTILINE)
    if done.returncode or answer is None:
        log = (done.stdout + done.stderr).strip()[-3000:]
        raise ToolError(f"Yosys must finish its job ({job['job']})", f"exit code {done.returncode}:\n{log}\n",
                        "check the design's sources above, or pip install pyosys==0.70")
    return json.loads(answer[1])
