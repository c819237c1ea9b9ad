"""Replay a build kit with a Vivado: followed phase by phase, stopped whole, and no exit code lost."""
from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from quarl.host.errors import ToolError
from quarl.hw.tools import process
from quarl.hw.vivado.hls import Hls
from quarl.hw.vivado.installation import Installation
from quarl.hw.vivado.log import Log

FREE_GB = 4.0                  # of disk that a Zynq project takes, with room to spare; and about as much memory
LOG = "quarl-vivado.log"       # in the kit's folder: all that Vivado said
_AGAIN = "repeat the command: finished steps are kept"


def replay(kit: Path, vivado: Installation, hls: Hls | None, on_phase: Callable[[int], None],
           timeout: float | None = None) -> Log:
    """Run ``build.sh`` of the folder ``kit`` to its end; ``on_phase`` hears of every new phase (an index of PHASES).

    Returns what the log said. Raises :class:`ToolError` with Vivado's own errors, and what to do about them, where it
    fails, is killed, or takes longer than ``timeout`` seconds. A replay after that goes on with the step that failed.
    """
    log = Log()
    environment = {**os.environ, "VIVADO": str(vivado.program), "XILINX_LOCAL_USER_DATA": "no"}
    if hls is not None:
        environment["VITIS_HLS"] = str(hls.program)
    try:
        with open(kit / LOG, "a", encoding="utf-8") as record:
            def take(line: str) -> None:
                record.write(line + "\n")
                record.flush()
                before = log.phase
                log.read(line)
                if log.phase != before:
                    on_phase(log.phase)
            code = process.follow(["bash", "build.sh"], take, environment, kit, timeout)
    except TimeoutError:
        raise ToolError("Vivado must end within the time given by --timeout", f"it still ran after {timeout:g} s",
                        f"give it more time; {_AGAIN}") from None
    except BrokenPipeError:         # of who reads our output
        raise
    except OSError as error:
        raise ToolError("the build kit must be in a folder that can be written", f"{error.strerror} at {kit}",
                        f"free some space or change its permissions; {_AGAIN}") from error
    if code:
        for runme in sorted(kit.glob("work/**/runme.log")):      # of the runs that Vivado starts in the background
            for line in runme.read_text(errors="replace").splitlines():
                log.read(line)
        raise ToolError("Vivado must build the bitstream", _found(code, log, kit), log.fix() or _fix(code, kit))
    return log


def _signal(code: int) -> int | None:
    """The signal that ended a program: Python's code for a child of ours, the shell's for a child of its own."""
    number = -code if code < 0 else code - 128
    return number if 0 < number < signal.NSIG else None


def _fix(code: int, kit: Path) -> str:
    if _signal(code):
        return f"a program that is killed usually lacked memory (Vivado takes about 4 GB): close others; {_AGAIN}"
    return f"see {kit / LOG} and mend what it names; {_AGAIN}"


def _found(code: int, log: Log, kit: Path) -> str:
    number = _signal(code)
    end = f"it was ended by {signal.Signals(number).name}" if number else f"exit code {code}"
    return f"{end}: {log.told() or 'no message in ' + str(kit / LOG)}"
