"""Bitstream: what Vivado made of the design, beside what was predicted and synthesised."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quarl.build_flows.report import figures
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, join, table, tag

KINDS = {"lut": "LUT", "lut_memory": "of which memory", "ff": "Flip-flop", "dsp": "DSP",
         "bram36": "Block RAM (36 kbit)"}


def section(run: Run) -> Html:
    """Slacks and worst paths, resources by part and of the chip; empty where Vivado has not been called."""
    if run.bitstream is None:
        return Html()
    found, built = run.bitstream, run.accelerator
    text = f"Build kit {run.build_key[:12]}… placed and routed by Vivado {found['vivado']}"
    if "seconds" in found:
        text += f" in {figures.real(found['seconds'], 0)} s"
    if built:
        text += (f" for {built.board} at {figures.count(built.clock_mhz, 'MHz')}; FINN+ "
                 f"{built.versions.get('finn-plus', 'unknown')}, "
                 + ("FINN's DMA shell" if built.base_address is None else f"bridge at 0x{built.base_address:08x}"))
    parts = [tag("p", text + "."), table("Timing", ["Check", "Slack, ns", "Worst path"], "lrl", (
        [check, figures.real(slack, 3), found["worst"].get(check, "not told")]
        for check, slack in found["slack_ns"].items()))]
    if warnings := found.get("critical_warnings"):
        parts += [tag("details", tag("summary", f"{len(warnings)} critical warnings"),
                      tag("ul", *(tag("li", warning) for warning in warnings)))]
    return join([*parts, tag("p", "After routing, beside what Yosys counted and what the folding's model predicted, "
                                  "with their errors in per cent of Vivado's figure. The whole is what all three "
                                  "saw: without the shell around it."),
                 table("Resources by part", ["Part, resource", "Vivado", "Yosys", "Error", "Predicted", "Error"],
                       "lrrrrr", _compared(run)),
                 table("Resources with the shell around it", ["Resource", "Used", "Of", "Percent"], "lrrr", (
                     [KINDS[kind], figures.count(used), figures.count(found["available"][kind]),
                      figures.percent(found["percent"][kind])] for kind, used in found["total"].items()))])


def _compared(run: Run) -> Iterator[list[object]]:
    """A row for each part and each resource that any of the three figures has."""
    for part, kinds in (run.bitstream or {})["compared"].items():
        predicted = _predicted(run, part)
        for kind, counts in kinds.items():
            guess = predicted.get(kind)
            if counts["vivado"] or counts["yosys"] or guess:
                yield [f"{part}, {KINDS[kind]}", figures.count(counts["vivado"]), figures.count(counts["yosys"]),
                       _error(counts["yosys"], counts["vivado"]), figures.count(guess),
                       _error(guess, counts["vivado"])]


def _predicted(run: Run, part: str) -> dict[str, Any]:
    """What the folding's model said of a layer, or of the whole."""
    if run.estimate is None:
        return {}
    layers = {f"layer {layer['layer']}": layer for layer in run.estimate["layers"]}
    return {**layers, "whole": run.estimate["predicted"]}.get(part, {})


def _error(guess: float | None, actual: float) -> str:
    return figures.NONE if guess is None or not actual else f"{100 * (guess - actual) / actual:+,.1f}{figures.SPACE}%"
