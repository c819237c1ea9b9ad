"""Parity: every layer of the chain against the integer reference, value by value."""
from __future__ import annotations

from typing import Any

from quarl.build_flows.report import commands, figures
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, join, missing, table, tag


def mismatches(parity: dict[str, Any]) -> int:
    """Values that differ, over all pairs."""
    return sum(pair["mismatches"] for pair in parity["pairs"].values())


def section(run: Run) -> Html:
    """One row for each pair that was compared."""
    if run.parity is None:
        return missing("The comparison of torch, reference, FINN and RTL is", commands.build(run, "emulate"))
    parity = run.parity
    text = "Compared on %s: %s visited by the policy and %s random; %s distinct after encoding." % (
        figures.count(parity["observations"], "observations"), figures.count(parity["visited"]),
        figures.count(parity["random"]), figures.count(parity["distinct"]))
    pairs = parity["pairs"]
    if run.netlist is not None:
        pairs = {**pairs, f"synthesised netlist = integer ({run.netlist['observations']} inferences)": run.netlist}
    rows = ([name, figures.count(pair["values"]), figures.count(pair["mismatches"]), _verdict(pair["mismatches"])]
            for name, pair in pairs.items())
    return join([tag("p", text), table("Values compared, bit for bit",
                                       ["Pair", "Values", "Mismatches", "Verdict"], "lrrl", rows)])


def _verdict(wrong: int) -> Html:
    return tag("span", "✗ differ", class_="bad") if wrong else tag("span", "✓ equal", class_="good")
