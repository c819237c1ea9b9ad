"""Measure what is not in ``measured.csv`` yet: ``python -m quarl.build_flows.calibration.measure [PART]``.

A design takes Yosys and Verilator one to three minutes, and is written as soon as it is measured, so a measuring that
was cut off goes on where it was. ``PART``: only designs whose name contains it.
"""
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from quarl.build_flows.building.parts import ROLES
from quarl.build_flows.calibration import table
from quarl.build_flows.calibration.designs import Design, designs
from quarl.build_flows.calibration.table import KINDS, PARTS, Row
from quarl.host.accelerator.geometry import Geometry
from quarl.host.files import scratch_folder

_INFERENCES = 60


def measure(design: Design) -> list[Row]:
    """Lower, synthesise and emulate a design: its layers. What stands in front of a unit belongs to its layer."""
    from quarl.build_flows.building import subject
    from quarl.build_flows.lowering import describe_nodes
    from quarl.build_flows.lowering.lower import lower
    from quarl.build_flows.lowering.session import finn_session
    from quarl.hw.boards import board
    from quarl.hw.engines.registry import engine_of
    from quarl.hw.shell.shell import write_shell
    from quarl.hw.stitching.stitch import stitch
    from quarl.hw.synthesis.count import synthesise

    chip, engine = board("pynq-z2"), engine_of(design.engine)
    with scratch_folder("measure") as folder:
        what = subject.random(design.dims, design.bits, 0, folder / "policy", 10)
        with finn_session(folder / "finn"):
            lowered = lower(what.policy, what.onnx, design.folding, chip, folder / "finn", design.engine)
            stitch(describe_nodes.describe(lowered.rtl), folder / "rtl", replace=engine.replaces)
            finn = _by_layer(lowered.golden if engine.own_nodes else lowered.rtl,
                             lambda node: _finn(node, chip.part))
            places = _by_layer(lowered.rtl, lambda node: [(ROLES[node.op_type], node.name)])
        found = synthesise(folder / "rtl", "accel", design.engine, chip)["layers"]
        write_shell(lowered.geometry, what.policy.build_id, folder / "rtl")
        codes = np.random.default_rng(0).integers(*what.policy.input_range, (_INFERENCES, design.dims[0]),
                                                  endpoint=True)
        latency, interval = _emulated(folder / "rtl", lowered.geometry, codes, folder)
    return [Row(design, layer,
                {part: {kind: sum(found[node][kind] for of, node in parts if of == part) for kind in KINDS}
                 for part in PARTS},
                {name: sum(value for of, value in finn[layer] if of == name) for name in table.FINN}, latency, interval)
            for layer, parts in enumerate(places)]


def _by_layer(model: Any, of: Any) -> list[list[Any]]:
    """What ``of`` gives for the nodes of every layer: those up to its unit, and its FIFO and thresholds behind it."""
    found: list[list[Any]] = []
    ahead: list[Any] = []
    for node in model.graph.node:
        ahead += of(node)
        if ROLES[node.op_type] == "unit":
            found.append(ahead)
            ahead = []
        elif ROLES[node.op_type] == "thresholds":
            found[-1] += ahead
            ahead = []
    found[-1] += ahead
    return found


def _finn(node: Any, part: str) -> list[tuple[str, float]]:
    """FINN's estimate of a node, and its estimate of the node that its HLS library would make of a unit."""
    from qonnx.custom_op.registry import getCustomOp

    estimate = getCustomOp(node).node_res_estimation(part)
    found = [("finn_lut", estimate["LUT"]), ("finn_dsp", estimate["DSP"]), ("finn_bram36", estimate["BRAM_18K"] / 2)]
    if node.op_type == "MVAU_rtl":
        copy = type(node).FromString(node.SerializeToString())
        copy.op_type, copy.domain = "MVAU_hls", node.domain.replace("rtl", "hls")
        operation = getCustomOp(copy)
        operation.set_nodeattr("resType", "lut")
        return [*found, ("finn_hls_lut", operation.lut_estimation(part))]
    return [*found, ("finn_hls_lut", estimate["LUT"])]


def _emulated(rtl: Path, geometry: Geometry, codes: np.ndarray, folder: Path) -> tuple[int, float]:
    """Latency of a single inference, and the interval of many in a row, in cycles of the emulated RTL."""
    from quarl.build_flows.building import parity
    from quarl.host.devices.emulator import Emulator
    from quarl.hw.emulation.emulator import build_emulator

    emulator = Emulator(build_emulator(rtl, geometry, folder), rtl)
    try:
        _, alone = parity.stream(emulator, geometry, codes[:1])
        emulator.reset()
        _, many = parity.stream(emulator, geometry, codes)
    finally:
        emulator.close()
    return alone.latency, many.interval


def main() -> None:
    """Measure all designs that are asked for and not in the data file."""
    from quarl.build_flows.console import stage

    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    measured = table.read()
    for design in designs():
        whole = design in measured and measured[design][0].latency is not None
        if not whole and asked in design.name:
            with stage(design.name):
                measured[design] = measure(design)
            table.write(measured.values())


if __name__ == "__main__":
    main()
