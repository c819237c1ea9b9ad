"""The closed loop: what the policy earned in the environment, played by the device."""
from __future__ import annotations

from typing import Any

from quarl.build_flows.report import charts, commands, figures
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, join, missing, table, tag


def section(run: Run) -> Html:
    """Returns of the newest whole run log, episode by episode."""
    if run.log is None:
        return missing("Episodes against the hardware are", commands.play(run))
    summary, episodes = run.log.summary, run.log.episodes
    text = "%s played %s (%s) at %s steps/s: return %s, from %s to %s." % (
        "The emulated RTL" if summary["device"] == "emulator" else f"The device {summary['device']}",
        figures.count(summary["episodes"], "episodes"), figures.count(summary["steps"], "steps"),
        figures.count(round(summary["steps_per_s"])), figures.mean_std(summary["return_mean"], summary["return_std"]),
        figures.real(summary["return_min"]), figures.real(summary["return_max"]))
    if "shadow" in summary:
        text += " The integer reference computed %s steps again: %s mismatches." % (
            figures.count(summary["shadow"]["checked"]), figures.count(summary["shadow"]["mismatches"]))
    numbers = table("Episodes", ["Episode", "Seed", "Length (steps)", "Return"], "rrrr", (
        [figures.count(e["episode"]), e["seed"], figures.count(e["length"]), figures.real(e["return"])]
        for e in episodes))
    return join([
        tag("p", text),
        charts.chart("Return of each episode", text, _traces(episodes, summary["return_mean"]),
                     charts.axis("episode", tickformat="d"), charts.axis("return", rangemode="tozero"), numbers)])


def _traces(episodes: list[dict[str, Any]], mean: float) -> list[dict[str, Any]]:
    index = [e["episode"] for e in episodes]
    return [{"type": "bar", "x": index, "y": [e["return"] for e in episodes], "name": "episode", "width": 0.6,
             "marker": {"color": charts.PALETTE["blue"]}},
            {"type": "scatter", "x": [min(index) - 0.5, max(index) + 0.5], "y": [mean, mean], "name": "mean",
             "mode": "lines", "line": {"color": charts.PALETTE["orange"], "width": 2, "dash": "dash"}}]
