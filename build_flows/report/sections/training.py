"""How the policy learned: the mean return of each evaluation, with its spread."""
from __future__ import annotations

from typing import Any

from quarl.build_flows.report import charts, commands, figures
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, code, join, missing, table, tag

ROLLOUT = "rollout/ep_rew_mean"         # Stable-Baselines3's name for the return of the last 100 training episodes


def section(run: Run) -> Html:
    """The training curve."""
    evaluations, ptq = run.evaluations, run.config.get("ptq")
    if ptq:
        return tag("p", "This policy was trained in fp32 and then quantised without more training. The evaluations of "
                        "its training are in ", code(commands.path(ptq["source"])), ".")
    if not evaluations:
        return missing("The training's evaluations are", commands.train(run)[0])
    best = max(evaluations, key=lambda e: (e["mean_return"], e["timesteps"]))
    summary = "Best evaluation: %s over %s, after %s." % (
        figures.mean_std(best["mean_return"], best["std_return"]), figures.count(best["episodes"], "episodes"),
        figures.count(best["timesteps"], "steps"))
    numbers = table("Evaluations", ["Steps", "Mean return", "Std", "Episodes", "Time (s)"], "rrrrr", (
        [figures.count(e["timesteps"]), figures.real(e["mean_return"]), figures.real(e["std_return"]),
         figures.count(e["episodes"]), figures.real(e["seconds"])] for e in evaluations))
    return join([
        tag("p", summary),
        charts.chart("Return during training", summary, _traces(run), charts.axis("environment steps"),
                     charts.axis("return per episode", rangemode="tozero"), numbers)])


def _traces(run: Run) -> list[dict[str, Any]]:
    blue, evaluations = charts.PALETTE["blue"], run.evaluations
    steps = [e["timesteps"] for e in evaluations]
    mean = [e["mean_return"] for e in evaluations]
    edge = {"type": "scatter", "x": steps, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    traces: list[dict[str, Any]] = [
        {**edge, "y": [e["mean_return"] + e["std_return"] for e in evaluations], "showlegend": False},
        {**edge, "y": [e["mean_return"] - e["std_return"] for e in evaluations], "name": "± 1 std",
         "fill": "tonexty", "fillcolor": charts.faded("blue")},
        {"type": "scatter", "x": steps, "y": mean, "name": "evaluation, mean", "mode": "lines+markers",
         "line": {"color": blue, "width": 2.5}, "marker": {"color": blue, "size": 7}}]
    rollouts = [row for row in run.progress if row.get(ROLLOUT)]
    if rollouts:
        traces.append({"type": "scatter", "x": [int(row["timesteps"]) for row in rollouts],
                       "y": [float(row[ROLLOUT]) for row in rollouts], "name": "training episodes", "mode": "lines",
                       "line": {"color": charts.PALETTE["orange"], "width": 1.5}})
    target = run.settings.get("target_return")
    if target is not None:
        traces.append({"type": "scatter", "x": [0, max(steps)], "y": [target, target], "name": "target",
                       "mode": "lines", "line": {"color": charts.PALETTE["green"], "width": 2, "dash": "dash"}})
    return traces
