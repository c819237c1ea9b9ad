"""An estimate of the energy of an action: toggles of the synthesised netlist, simulated, times what a toggle costs.

The netlist plays observations behind its bridge, each answer held to the integer reference. What the whole exchange of
an action takes is counted, from the first word of its observation to the last word of the action.
"""
from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from quarl.build_flows.building import artefacts, parity
from quarl.build_flows.building.parts import named
from quarl.build_flows.building.subject import Subject
from quarl.build_flows.console import stage
from quarl.host.accelerator import description
from quarl.host.devices.emulator import EmulatorDevice
from quarl.host.errors import UserError
from quarl.host.files import scratch_folder, write_json
from quarl.host.policy import codec
from quarl.hw.boards import Board
from quarl.hw.emulation.emulator import build_emulator
from quarl.hw.energy.activity import KINDS, instrument, take_counts
from quarl.hw.energy.cell_energy import BOUNDS, dynamic_nj, static_nj
from quarl.hw.synthesis.netlist import write_netlist
from quarl.hw.tools.prerequisites import require

LABEL = "estimate, xc7 cells"
ACTIONS, WARM_UP, IDLE = 128, 16, 1000      # actions that count, those before them, and cycles without one
PART = "xc7z020"                            # whose leakage hw/energy/cell_energy.py knows
Counts = Mapping[str, Mapping[str, float]]


def check(board: Board) -> None:
    """Raise ``UserError`` for a board whose chip has other cells, ``ToolError`` where a tool is missing."""
    if not board.part.startswith(PART):
        raise UserError(f"--energy knows the cells and the leakage of an {PART}", f"--board {board.name}",
                        "leave it out, or build for pynq-z2")
    require("synthesise")
    require("emulate")


def estimate(subject: Subject, accel: Path) -> dict[str, Any]:
    """Count and price the toggles of the accelerator in ``accel``; writes, and returns, ``reports/energy.json``.

    Plays observations that ``subject`` has visited, in their order. Raises ``ToolError`` from the tools,
    ``MismatchError`` where the netlist does not compute the policy.
    """
    built = description.read(accel)
    visited = subject.observations[:subject.visited or None]
    codes = codec.encode(subject.policy, visited[:WARM_UP + ACTIONS])
    with stage(f"netlist: map, count toggles of {len(codes) - WARM_UP} actions"), \
            scratch_folder("energy") as place:
        shutil.copy(accel / "accel.json", place)
        instrument(write_netlist(accel / "rtl", built.engine, place / "rtl"))
        build_emulator(place / "rtl", built.geometry, place)
        warm, warm_cycles = _run(subject, codes[:WARM_UP], place)
        whole, cycles = _run(subject, codes, place)
        longer, _ = _run(subject, codes[:WARM_UP], place, IDLE)
    actions = len(codes) - WARM_UP
    result = summary(_rates(whole, warm, actions), _rates(longer, warm, IDLE), (cycles - warm_cycles) / actions,
                     built.clock_mhz)
    result["actions"] = actions
    write_json(accel / "reports" / f"{artefacts.ENERGY}.json", result)
    return result


def _run(subject: Subject, codes: np.ndarray, place: Path, idle: int = 0) -> tuple[Counts, int]:
    """Counts of a simulation from reset: inferences, then ``idle`` cycles; and all its cycles."""
    device = EmulatorDevice(subject.policy, place)
    with device:
        parity.check_device(subject.policy, device, codes, "the netlist whose toggles are counted")
        device.emulator.idle(idle)
        cycles = device.emulator.cycles
    return take_counts(place / "rtl"), cycles


def _rates(long: Counts, short: Counts, times: int) -> Counts:
    """What a simulation counts more than a shorter one, for each of ``times``: part of the design -> kind -> count."""
    rates: dict[str, dict[str, float]] = {}
    for instance, counts in long.items():
        part, _, _ = named(instance.partition("emulator_top.")[2].replace(".mapped_i", ""))
        kinds = rates.setdefault("streams" if part == "shell" else part, dict.fromkeys(KINDS, 0.0))
        for kind, count in counts.items():
            kinds[kind] += (count - short[instance][kind]) / times
    return rates


def summary(action: Counts, idle: Counts, cycles: float, clock_mhz: float) -> dict[str, Any]:
    """The report, of the counts of an action that takes ``cycles``, and of a cycle without one. Energies are in nJ."""
    counts = {kind: sum(kinds[kind] for kinds in action.values()) for kind in KINDS}
    dynamic, static = dynamic_nj(counts), static_nj(cycles, clock_mhz)
    waiting = sum((dynamic_nj(kinds) for kinds in idle.values()), np.zeros(3)) + static_nj(1, clock_mhz)
    return {"label": LABEL, "cycles": round(cycles, 2), "clock_mhz": clock_mhz, "energy_nj": _range(dynamic + static),
            "dynamic_nj": _range(dynamic), "static_nj": _range(static), "idle_mw": _range(waiting * clock_mhz),
            "kinds": {kind: {"count": round(count, 2), "nj": _range(dynamic_nj({kind: count}))}
                      for kind, count in counts.items()},
            "parts": {part: _range(dynamic_nj(kinds)) for part, kinds in sorted(action.items())}}


def _range(values: np.ndarray) -> dict[str, float]:
    return {bound: round(float(value), 4) for bound, value in zip(BOUNDS, values, strict=True)}
