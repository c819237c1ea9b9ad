"""What FINN's DMA shell needs beside Vivado: its DMAs are C++, so Vitis HLS, and the library that they are made of."""
from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from quarl.host.errors import ToolError
from quarl.hw.tools import process
from quarl.hw.vivado.finn_files import dependencies
from quarl.hw.vivado.installation import ANSWER_S, WITHOUT, Installation

LIBRARY = "finn-hlslib"
HEADER = "bnn-library.h"                # what a DMA's source includes first
_DEPS = "FINN_DEPS"                     # names where FINN+ keeps what it downloads
_VERSION = re.compile(r"v(20\d\d\.\d)")


@dataclass(frozen=True)
class Hls:
    """A Vitis HLS of Vivado's version, and the folder of finn-hlslib."""

    program: Path
    library: Path


def find(vivado: Installation, library: Path | None, environment: Mapping[str, str] = os.environ,
         timeout: float = ANSWER_S) -> Hls:
    """The Vitis HLS of XILINX_HLS, else the one beside ``vivado``, else on the PATH; and the library.

    Raises :class:`ToolError` where there is none, it does not tell its version in ``timeout`` seconds, or that is
    another.
    """
    program = next((place for place in _places(vivado, environment) if os.access(place, os.X_OK)), None)
    if program is None:
        raise ToolError(f"FINN's DMA shell needs Vitis HLS {vivado.version}, named by XILINX_HLS, beside Vivado or on "
                        "the PATH", "none", f"install it with Vivado's installer, choose --shell bridge, {WITHOUT}")
    try:
        done = process.run([str(program), "-version"], environment=environment, timeout=timeout)
    except TimeoutError:
        raise ToolError("`vitis_hls -version` must tell its version", f"no answer in {timeout:.1f} s from {program}",
                        "run it by hand: a slow network disk may be the cause") from None
    found = _VERSION.search(done.stdout)
    if done.returncode or found is None or found[1] != vivado.version:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ToolError(f"Vitis HLS must be of Vivado's version, {vivado.version}",
                        f"{found[1] if found else said[-1] if said else 'no output'} at {program}",
                        "set XILINX_HLS to the folder of that version, or choose --shell bridge")
    return Hls(program, find_library(library, environment))


def _places(vivado: Installation, environment: Mapping[str, str]) -> Iterator[Path]:
    if environment.get("XILINX_HLS"):
        yield Path(environment["XILINX_HLS"]) / "bin" / "vitis_hls"
        return
    for product in ("Vitis_HLS", "Vitis"):
        yield vivado.folder.parent.parent / product / vivado.folder.name / "bin" / "vitis_hls"
    found = shutil.which("vitis_hls", path=environment.get("PATH"))
    if found:
        yield Path(found).absolute()


def find_library(given: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """finn-hlslib in ``given``, else where FINN+ keeps it. Raises :class:`ToolError`, saying how to get it."""
    place = given if given is not None else Path(environment.get(_DEPS, "")) / LIBRARY
    if not (place / HEADER).is_file():
        raise ToolError(f"FINN's DMA shell needs {LIBRARY}", f"no {HEADER} in {place}",
                        f"run `{clone()}` and pass that folder with --hlslib")
    head = place / ".git" / "HEAD"
    commit = head.read_text().strip() if head.is_file() else ""
    if re.fullmatch(r"[0-9a-f]{40}", commit) and commit != _library()[1]:
        raise ToolError(f"{LIBRARY} must be the one that FINN+ is made for, commit {_library()[1][:12]}",
                        f"{commit[:12]} in {place}", f"run `git -C {place} checkout {_library()[1]}`")
    return place


def clone() -> str:
    """The command that gets finn-hlslib as FINN+ does."""
    url, commit = _library()
    return f"git clone {url} {LIBRARY} && git -C {LIBRARY} checkout {commit}"


def _library() -> tuple[str, str]:
    entry = dict(dependencies())[LIBRARY]
    return str(entry["url"]), str(entry["commit"])
