"""Run a Yosys job in a process of its own: Ctrl-C ends it, and its global symbols stay out of ours."""
from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from quarl.host.errors import ToolError
from quarl.hw.tools import process

WORKER = Path(__file__).with_name("yosys_worker.py")


def run_yosys(job: dict[str, Any], folder: Path, timeout: float | None = None, worker: Path = WORKER) -> Any:
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
