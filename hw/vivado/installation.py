"""Which Vivado to call, and whether it is one that FINN+ supports."""
from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quarl.host.errors import ToolError
from quarl.hw.tools import process

WITHOUT = "or run the command with --script-only and take the build kit to a machine that has Vivado"
ANSWER_S = 120.0      # Vivado starts slowly from a cold disk
USUAL = Path("/tools/Xilinx/Vivado")      # the installer's own choice, a folder a version; in our image a mount
_VERSION = re.compile(r"(?<!\d)20\d\d\.\d")


@dataclass(frozen=True)
class Installation:
    """A Vivado: its program, its version without a patch level (``2024.2``), and its folder."""

    program: Path
    version: str

    @property
    def folder(self) -> Path:
        """Where bin/, data/ and the rest are."""
        return self.program.resolve().parent.parent


def supported() -> tuple[str, ...]:
    """The versions that FINN+ names as its own, sorted. Raises :class:`ToolError` if it names none."""
    text = str(importlib.metadata.metadata("finn-plus").json["description"])
    line = re.search(r"Vivado.*\(([^)]*20\d\d\.\d[^)]*)\)", text)
    if line is None:
        raise ToolError("FINN+ must name the versions of Vivado that it supports", "none in its description",
                        "install finn-plus==1.6.1")
    return tuple(sorted(set(_VERSION.findall(line[1]))))


def find(given: Path | None = None, environment: Mapping[str, str] = os.environ,
         timeout: float = ANSWER_S) -> Installation:
    """The Vivado of ``--vivado`` (a folder or the program), of XILINX_VIVADO, on the PATH, or the newest of USUAL.

    Raises :class:`ToolError` where there is none, it does not tell its version in ``timeout`` seconds, or FINN+ does
    not support that.
    """
    program = _program(given, environment)
    try:
        done = process.run([str(program), "-version"], timeout=timeout)
    except TimeoutError:
        raise ToolError("`vivado -version` must tell its version", f"no answer in {timeout:g} s from {program}",
                        "run it by hand: a slow network disk or a licence server that it waits for may be the cause"
                        ) from None
    found = _VERSION.search(done.stdout)
    if done.returncode or found is None:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ToolError("`vivado -version` must tell its version",
                        f"exit code {done.returncode}, {said[-1] if said else 'no output'} from {program}",
                        "repair the installation: the line above names a missing library, if that is the cause")
    if found[0] not in supported():
        raise ToolError(f"Vivado must be one that FINN+ supports: {', '.join(supported())}",
                        f"{found[0]} at {program}", f"point --vivado at another, {WITHOUT}")
    return Installation(program, found[0])


def _program(given: Path | None, environment: Mapping[str, str]) -> Path:
    for origin, place in (("--vivado", given), ("XILINX_VIVADO", environment.get("XILINX_VIVADO"))):
        if place:
            for candidate in (Path(place), Path(place) / "bin" / "vivado"):
                if candidate.is_file() and os.access(candidate, os.X_OK):
                    return candidate.absolute()
            what = "has no bin/vivado that can be run" if Path(place).is_dir() else (
                "is no program that can be run" if Path(place).exists() else "is not there")
            raise ToolError(f"{origin} must name Vivado's folder, the one with bin/vivado", f"{place}, which {what}",
                            "find it with `find / -path '*/bin/vivado'`, and give the folder above bin")
    found = shutil.which("vivado", path=environment.get("PATH"))
    if found is not None:
        return Path(found).absolute()
    usual = sorted(USUAL.glob("*/bin/vivado"), key=lambda program: (program.parts[-3] in supported(), program))
    if not usual:
        raise ToolError(f"a bitstream needs Vivado, named by --vivado, by XILINX_VIVADO, on the PATH or in {USUAL}",
                        "none", f"pass --vivado /opt/Xilinx/Vivado/2024.2, {WITHOUT}")
    return usual[-1]
