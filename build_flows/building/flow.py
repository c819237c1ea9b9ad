"""The build: policy package to RTL, emulator, parity and resources; all or nothing, and not twice."""
from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from quarl.build_flows.building import artefacts, parity
from quarl.build_flows.building.options import TARGETS, Options
from quarl.build_flows.building.subject import Subject
from quarl.build_flows.console import stage, table
from quarl.build_flows.estimate.shape import cycles, shapes
from quarl.build_flows.folding import planning
from quarl.build_flows.folding.planning import Plan
from quarl.host.accelerator.geometry import Geometry
from quarl.host.devices.emulator import Emulator, EmulatorDevice
from quarl.host.errors import MismatchError
from quarl.host.files import scratch_folder, staged_folder, write_json
from quarl.host.policy import Policy, codec
from quarl.hw import boards
from quarl.hw.boards import Board
from quarl.hw.engines.registry import engine_of

BRIDGE_STEPS = 500
NETLIST_STEPS = 256


def check_tools(options: Options, out: Path) -> None:
    """Raise ``ToolError`` naming what is missing to build below ``out``, before any work is done."""
    from quarl.hw.tools.machine import check_disk
    from quarl.hw.tools.prerequisites import FREE_GB, require
    require("emulate")
    if options.target == "synth":
        require("synthesise")
    check_disk(out, FREE_GB, "a build")


def build(subject: Subject, options: Options, out: Path) -> dict[str, Any]:
    """Build the accelerator of ``subject`` into the folder ``out``, which appears whole or not at all.

    Returns :func:`artefacts.read`. A build whose inputs have not changed is not repeated. Raises ``UserError`` for a
    design that does not fit, ``ToolError`` for a tool that fails, ``MismatchError`` where two layers disagree.
    """
    check_tools(options, out)
    board = boards.board(options.board)
    with stage("choose the folding"):
        plan = planning.choose(shapes(subject.policy), options.compute, options.fold, board,
                               options.max_lut_percent, options.style)
    _show(plan, board)
    key = artefacts.key(subject.policy, dataclasses.replace(options, target=TARGETS[0], verify_netlist=False))
    verified = not options.verify_netlist or (out / "reports" / "netlist.json").is_file()
    if verified and artefacts.is_built(out, key, (*TARGETS[TARGETS.index(options.target):], artefacts.BITSTREAM)):
        return artefacts.read(out)
    with staged_folder(out) as folder:
        write_json(folder / "reports" / "estimate.json", plan.report(options.max_lut_percent))
        _build(subject, options, board, plan, folder)
        artefacts.mark(folder, key, options.target)
    return artefacts.read(out)


def _show(plan: Plan, board: Board) -> None:
    """Print the chosen folding and what it is predicted to cost."""
    table("Folding %s, engine %s: predicted latency %d cycles, interval %d, %d LUT (%.0f %% of %s), %d DSP"
          % (plan.fold, plan.engine, plan.latency, plan.interval, plan.lut, 100 * plan.lut / board.lut, board.name,
             plan.dsp),
          ("layer", "inputs x outputs", "W / A bits", "PE", "SIMD", "cycles"),
          [(i, "%d x %d" % (s.inputs, s.outputs), "%d / %s" % (s.weight_bits, s.act_bits or "-"), f.pe, f.simd,
            cycles(s, f)) for i, (s, f) in enumerate(zip(plan.shapes, plan.layers, strict=True))])


def _build(subject: Subject, options: Options, board: Board, plan: Plan, folder: Path) -> None:
    from quarl.hw.emulation.emulator import build_emulator

    codes = codec.encode(subject.policy, subject.observations)
    geometry, finn_trace = _lower(subject, options, board, plan, codes, folder / "rtl")
    with _synthesis(options, board, folder) as synthesis:
        with stage("Verilator: compile the emulator"):
            build_emulator(folder / "rtl", geometry, folder)
        with stage("parity: torch, integer, FINN and RTL"):
            _check(subject, options, board, plan, geometry, codes, finn_trace, folder)
        if synthesis is not None:
            with stage(f"Yosys: synthesise for {board.part}"):
                artefacts.write_synthesis(folder, synthesis.result(), board, options.max_lut_percent)
    if options.verify_netlist:
        with stage(f"netlist: map, simulate cell by cell, compare {NETLIST_STEPS} inferences"):
            _check_netlist(subject.policy, options, geometry, codes, folder)


def _lower(subject: Subject, options: Options, board: Board, plan: Plan, codes: np.ndarray,
           rtl: Path) -> tuple[Geometry, list[np.ndarray]]:
    """Generate and stitch the RTL into ``rtl``; FINN's own execution of ``codes``, for the parity."""
    from quarl.build_flows.lowering import describe_nodes
    from quarl.build_flows.lowering.lower import execute, lower
    from quarl.build_flows.lowering.session import finn_folder, finn_session
    from quarl.hw.shell.shell import write_shell
    from quarl.hw.stitching.stitch import stitch

    with stage("FINN: streamline, fold, generate RTL, execute"), \
            finn_folder() as scratch, finn_session(scratch):
        lowered = lower(subject.policy, subject.onnx, plan.layers, board, scratch, options.compute,
                        options.style)
        stitch(describe_nodes.describe(lowered.rtl), rtl, replace=engine_of(options.compute).replaces)
        write_shell(lowered.geometry, subject.policy.build_id, rtl)
        return lowered.geometry, execute(lowered.golden, codes)


@contextlib.contextmanager
def _synthesis(options: Options, board: Board, folder: Path) -> Iterator[Future[dict[str, Any]] | None]:
    """Synthesis on the other core while the emulator is built; None if the target does not ask for it."""
    if options.target == "emulate":
        yield None
        return
    from quarl.hw.synthesis.count import synthesise
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(synthesise, folder / "rtl", "quarl_shell", options.compute, board)


def _check(subject: Subject, options: Options, board: Board, plan: Plan, geometry: Geometry, codes: np.ndarray,
           finn_trace: list[np.ndarray], folder: Path) -> None:
    """Parity over bare streams and behind the bridge; writes accel.json and two reports."""
    policy = subject.policy
    emulator = Emulator(folder / "emulator.so", folder / "rtl")
    try:
        report, timing = parity.check(policy, codes, subject.torch_trace(subject.observations), finn_trace, emulator,
                                      geometry, cycles_per_inference=2 * plan.latency)
    finally:
        emulator.close()
    artefacts.write_accelerator(folder, policy, options, board, plan, geometry, timing)
    with EmulatorDevice(policy, folder) as device:
        report["rtl behind the bridge = integer"], latency = parity.check_device(policy, device, codes[:BRIDGE_STEPS])
    artefacts.write_parity(folder, report, codes, subject.visited)
    write_json(folder / "reports" / "timing.json", {
        "clock_mhz": board.clock_mhz, "latency_cycles": latency, "stream_latency_cycles": timing.latency,
        "interval_cycles": timing.interval, "predicted_latency_cycles": plan.latency,
        "predicted_interval_cycles": plan.interval})


def _check_netlist(policy: Policy, options: Options, geometry: Geometry, codes: np.ndarray, folder: Path) -> None:
    """Hold the mapped shell, bridge and accelerator, to the reference and to the RTL's latency; writes netlist.json."""
    from quarl.hw.emulation.emulator import build_emulator
    from quarl.hw.synthesis.netlist import write_netlist

    # From all of them, the visited and the random ones
    chosen = codes[np.linspace(0, len(codes) - 1, min(NETLIST_STEPS, len(codes))).astype(int)]
    timing = artefacts.read(folder)["timing"]
    with scratch_folder("netlist") as place:
        shutil.copy(folder / "accel.json", place)
        build_emulator(write_netlist(folder / "rtl", options.compute, place / "rtl"), geometry, place)
        with EmulatorDevice(policy, place) as device:
            pair, latency = parity.check_device(policy, device, chosen, "the netlist behind its bridge")
    if latency != timing["latency_cycles"]:
        raise MismatchError("the netlist must take as long as the RTL", f"{latency} cycles instead of "
                            f"{timing['latency_cycles']}", "report this: synthesis has changed what it was given")
    write_json(folder / "reports" / "netlist.json", {"observations": len(chosen), "latency_cycles": latency, **pair})
