"""`quarl build --target bitstream`: build and prove the accelerator, make its kit, replay it, judge what comes back."""
from __future__ import annotations

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import Any

from quarl.build_flows.bitstream import kit, results, zynq
from quarl.build_flows.building import artefacts, flow
from quarl.build_flows.building.imported import digest_of
from quarl.build_flows.building.options import Options
from quarl.build_flows.building.subject import Subject
from quarl.build_flows.console import phases, say, stage
from quarl.build_flows.estimate.shape import shapes
from quarl.build_flows.folding import planning
from quarl.build_flows.lowering.lower import lower
from quarl.build_flows.lowering.session import finn_folder, finn_session
from quarl.host.errors import UserError
from quarl.hw import boards
from quarl.hw.boards import Board
from quarl.hw.engines.finn.library import patched_library
from quarl.hw.engines.registry import engine_of
from quarl.hw.tools.machine import check_disk, check_memory
from quarl.hw.vivado import hls, installation
from quarl.hw.vivado.board_files import find_board_files, finn_board, vivado_places
from quarl.hw.vivado.hls import Hls
from quarl.hw.vivado.installation import Installation
from quarl.hw.vivado.log import PHASES
from quarl.hw.vivado.replay import FREE_GB, replay

_SHELLS = {"bridge": "our bridge", "dma": "FINN's DMAs"}
FOLDER = "vivado"       # of the kit, in the run folder: not in accel/, so that a failed replay can go on


@dataclasses.dataclass(frozen=True)
class Wish:
    """What the user wants beside the accelerator: the shell around it, and where files are that a kit takes along.

    Raises :class:`UserError` for a shell that does not exist, and for a library that it has no use for.
    """

    shell: str = "bridge"
    board_files: Path | None = None     # folder of the board's files, None for Vivado's own
    hlslib: Path | None = None          # folder of finn-hlslib, None for where FINN+ keeps it

    def __post_init__(self) -> None:
        if self.shell not in zynq.SHELLS:
            raise UserError("--shell must be one of " + ", ".join(zynq.SHELLS), self.shell, "choose one of them")
        if self.hlslib is not None and self.shell != "dma":
            raise UserError("--hlslib goes with --shell dma", f"--shell {self.shell}", "leave it out")


def shell_of(run: Path) -> str:
    """The shell of the kit that ``run`` holds, else our bridge."""
    try:
        shell = kit.read(run / FOLDER).get("shell")
    except UserError:
        shell = None
    return str(shell) if shell in zynq.SHELLS else Wish.shell


@dataclasses.dataclass(frozen=True)
class Vivado:
    """A Vivado that was found fit, with Vitis HLS where the shell needs it, and the files that a kit takes along."""

    installation: Installation
    board_files: Path
    hls: Hls | None


def find_vivado(board: Board, program: Path | None, wish: Wish, run: Path) -> Vivado:
    """What a bitstream for ``board`` needs of the machine, before any work is done.

    Raises ``ToolError`` for no Vivado, an unsupported version, missing board files, a full disk, little memory, and
    with FINN's DMA shell no Vitis HLS or no library; ``UserError`` for a board that FINN+ does not know.
    """
    finn = finn_board(board)
    found = installation.find(program)
    places = [*([wish.board_files] if wish.board_files else []), *vivado_places(found.folder)]
    files = find_board_files(finn, places)
    more = hls.find(found, wish.hlslib) if wish.shell == "dma" else None
    check_disk(run / FOLDER, FREE_GB, "Vivado")
    check_memory(FREE_GB, "Vivado")
    return Vivado(found, files, more)


def prepare(subject: Subject, options: Options, run: Path, wish: Wish) -> Path:
    """Build and prove the accelerator in ``run``/accel, synthesised by Yosys, and make its kit: the kit's folder."""
    flow.build(subject, dataclasses.replace(options, target="synth"), run / "accel")
    make_kit(subject, options, run / "accel", run / FOLDER, wish)
    return run / FOLDER


def make_kit(subject: Subject, options: Options, accel: Path, out: Path, wish: Wish) -> None:
    """Write the build kit of the accelerator in ``accel`` to ``out``; one of it that is there already is kept."""
    board = boards.board(options.board)
    mark = {"key": artefacts.built_key(accel), "board": board.name, "shell": wish.shell,
            "made_by": digest_of(kit.__name__)}
    if not kit.is_for(out, mark):
        plan = planning.choose(shapes(subject.policy), options.compute, options.fold, board,
                               options.max_lut_percent, options.style)
        with stage(f"FINN+: the Zynq shell with {_SHELLS[wish.shell]}, as a build kit"), \
                finn_folder() as build, finn_session(build):
            lowered = lower(subject.policy, subject.onnx, plan.layers, board, build, options.compute,
                            options.style)
            with contextlib.chdir(build):         # FINN's scripts go back to where they were called, without quotes
                project = zynq.project(lowered.rtl, lowered.geometry, subject.policy.build_id, board, build, wish.shell)
            kit.write(out, project, build, patched_library(), engine_of(options.compute).replaces, board, mark)
    kit.check_images(out, accel / "rtl")
    if wish.board_files is not None:
        kit.add_board_files(out, board, find_board_files(finn_board(board), [wish.board_files]))
    if wish.hlslib is not None:
        kit.add_hls_library(out, hls.find_library(wish.hlslib))


def build(subject: Subject, options: Options, run: Path, wish: Wish, vivado: Vivado,
          timeout: float | None = None) -> dict[str, Any]:
    """A checked bitstream in ``run``/accel; :func:`artefacts.read`. One that is there already is not made again.

    Vivado may take ``timeout`` seconds (None: any).
    Raises ``ToolError`` where Vivado fails, ``UserError`` where its result fails a check. A repeat goes on with the
    step that failed.
    """
    library = vivado.hls.library if vivado.hls else None
    folder = prepare(subject, options, run, dataclasses.replace(wish, board_files=vivado.board_files, hlslib=library))
    built = artefacts.read(run / "accel")
    if built[artefacts.BITSTREAM] is not None and built[artefacts.BITSTREAM]["shell"] == wish.shell:
        return built
    say(f"Vivado {vivado.installation.version} at {vivado.installation.program}, log in {folder}")
    start = time.perf_counter()
    with phases("Vivado", PHASES) as show:
        log = replay(folder, vivado.installation, vivado.hls, show, timeout)
    if log.critical_warnings:
        say(f"Vivado has {len(log.critical_warnings)} critical warnings: {log.told()}")
    return results.take(folder, run / "accel", {"seconds": round(time.perf_counter() - start, 1),
                                               "critical_warnings": log.critical_warnings})
