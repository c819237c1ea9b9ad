"""`quarl build --target bitstream`: build and prove the accelerator, make its kit, replay it, judge what comes back."""
from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

from build_flows import artefacts, flow, folding, lowering, resources
from build_flows.bitstream import kit, results, zynq
from build_flows.console import phases, say, stage
from build_flows.finn_session import finn_session
from build_flows.flow import Options
from build_flows.subject import Subject
from hw import boards
from hw.boards import Board
from hw.engines import ENGINES
from hw.finn_library import patched_library
from hw.machine import check_disk, check_memory
from hw.vivado import installation
from hw.vivado.board_files import find_board_files, finn_board, vivado_places
from hw.vivado.installation import Installation
from hw.vivado.log import PHASES
from hw.vivado.replay import FREE_GB, replay

FOLDER = "vivado"       # of the kit, in the run folder: not in accel/, so that a failed replay can go on


@dataclasses.dataclass(frozen=True)
class Vivado:
    """A Vivado that was found fit, the folder of the board's files, and the seconds that it may take (None: any)."""

    installation: Installation
    board_files: Path
    timeout: float | None = None


def find_vivado(board: Board, program: Path | None, board_files: Path | None, timeout: float | None,
                run: Path) -> Vivado:
    """What a bitstream for ``board`` needs of the machine, before any work is done.

    Raises ``ToolError`` for no Vivado, an unsupported version, missing board files, a full disk, little memory;
    ``UserError`` for a board that FINN+ does not know.
    """
    finn = finn_board(board)
    found = installation.find(program)
    places = [*([board_files] if board_files else []), *vivado_places(found.folder)]
    files = find_board_files(finn, places)
    check_disk(run / FOLDER, FREE_GB, "Vivado")
    check_memory(FREE_GB, "Vivado")
    return Vivado(found, files, timeout)


def prepare(subject: Subject, options: Options, run: Path, board_files: Path | None) -> Path:
    """Build and prove the accelerator in ``run``/accel, synthesised by Yosys, and make its kit: the kit's folder."""
    finn_board(boards.board(options.board))
    flow.build(subject, dataclasses.replace(options, target="synth"), run / "accel")
    make_kit(subject, options, run / "accel", run / FOLDER, board_files)
    return run / FOLDER


def make_kit(subject: Subject, options: Options, accel: Path, out: Path, board_files: Path | None = None) -> None:
    """Write the build kit of the accelerator in ``accel`` to ``out``; one of it that is there already is kept."""
    board = boards.board(options.board)
    mark = {"key": artefacts.built_key(accel), "board": board.name, "shell": "bridge"}
    if not kit.is_for(out, mark):
        plan = folding.choose(resources.shapes(subject.policy), options.compute, options.fold, board,
                              options.max_lut_percent, options.style)
        with stage("FINN+: the Zynq shell around the bridge, as a build kit"), \
                tempfile.TemporaryDirectory(prefix="quarl-finn-") as scratch, finn_session(Path(scratch)):
            build = Path(scratch)
            lowered = lowering.lower(subject.policy, subject.onnx, plan.layers, board, build, options.compute,
                                     options.style)
            folders = zynq.project(lowered.rtl, lowered.geometry, subject.policy.build_id, board, build)
            kit.write(out, folders, build, patched_library(), ENGINES[options.compute], board, mark)
    kit.check_images(out, accel / "rtl")
    if board_files is not None:
        kit.add_board_files(out, board, find_board_files(finn_board(board), [board_files]))


def build(subject: Subject, options: Options, run: Path, vivado: Vivado) -> dict[str, Any]:
    """A checked bitstream in ``run``/accel; :func:`artefacts.read`. One that is there already is not made again.

    Raises ``ToolError`` where Vivado fails, ``UserError`` where its result fails a check. A repeat goes on with the
    step that failed.
    """
    folder = prepare(subject, options, run, vivado.board_files)
    built = artefacts.read(run / "accel")
    if built[artefacts.BITSTREAM] is not None:
        return built
    say(f"Vivado {vivado.installation.version} at {vivado.installation.program}, log in {folder}")
    start = time.perf_counter()
    with phases("Vivado", PHASES) as show:
        log = replay(folder, vivado.installation, show, vivado.timeout)
    if log.critical_warnings:
        say(f"Vivado has {len(log.critical_warnings)} critical warnings: {log.told()}")
    return results.take(folder, run / "accel", {"seconds": round(time.perf_counter() - start, 1),
                                               "critical_warnings": log.critical_warnings})
