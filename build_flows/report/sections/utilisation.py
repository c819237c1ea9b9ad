"""Resources: what synthesis used of the board, and where the LUTs went."""
from __future__ import annotations

from typing import Any

from quarl.build_flows.report import commands, figures
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, bar, join, missing, table, tag

ROWS = (("LUT", "lut"), ("of which memory", "lut_memory"), ("Flip-flop", "ff"), ("DSP48", "dsp"),
        ("Block RAM (36 kbit)", "bram36"))


def section(run: Run) -> Html:
    """Bars against the board's totals."""
    if run.synth is None:
        return missing("Synthesis results are", commands.build(run))
    synth, total = run.synth, run.synth["total"]
    text = "Synthesised by Yosys for %s in %s s, bridge included; %s carry chains (CARRY4)." % (
        run.accelerator.board if run.accelerator else "the board", figures.real(synth["seconds"], 0),
        figures.count(total["carry4"]))
    key = tag("p", tag("span", class_="key logic"), f"LUT logic {figures.count(total['lut_logic'])} ",
              tag("span", class_="key memory"), f"LUT memory {figures.count(total['lut_memory'])}", class_="keys")
    return join([tag("p", text), key,
                 table("Resources against the board", ["Resource", "Used", "Of", "Percent", "Share"], "lrrrl",
                       (_row(name, kind, synth) for name, kind in ROWS))])


def _row(name: str, kind: str, synth: dict[str, Any]) -> list[object]:
    total, there = synth["total"], synth["board"][kind]
    used = total[kind]
    share = 100 * used / there
    split = [("lut_logic", "logic"), ("lut_memory", "memory")] if kind == "lut" else [
        (kind, "memory" if kind == "lut_memory" else "logic")]
    text: object = figures.percent(share)
    if used > there:
        text = tag("span", text, " ✗ too many", class_="bad")
    return [name, figures.count(used), figures.count(there), text,
            bar(*((100 * total[part] / there, colour) for part, colour in split))]
