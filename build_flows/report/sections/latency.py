"""Latency: the accelerator's clock cycles, and the host's time around them."""
from __future__ import annotations

from typing import Any

from quarl.build_flows.report import charts, commands, figures
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, join, missing, table, tag

PARTS = {"encode": "Encode", "device": "Device", "decode": "Decode", "env": "Environment", "network": "Network"}
PERCENTILES = {"p50": ("blue", "circle"), "p90": ("orange", "diamond"), "p99": ("purple", "square")}
TICKS = [digit * 10 ** power for power in range(6) for digit in (1, 2, 5)]      # µs


def section(run: Run) -> Html:
    """Cycles of the FPGA first, then the host's time per step."""
    return join([tag("h3", "On the FPGA"), _fpga(run), tag("h3", "On the host"), _host(run)])


def _fpga(run: Run) -> Html:
    if run.timing is None:
        return missing("The RTL's timing is", commands.build(run, "emulate"))
    timing, clock = run.timing, run.timing["clock_mhz"]
    lines = (("Last observation word to action valid, behind the bridge", "latency_cycles",
              "predicted_latency_cycles"),
             ("Accelerator alone, first beat in to last beat out", "stream_latency_cycles", None),
             ("Between two inferences, back to back", "interval_cycles", "predicted_interval_cycles"))
    rows = [[label, figures.count(timing[name]), figures.count(timing[predicted] if predicted else None),
             figures.microseconds(timing[name] / clock)] for label, name, predicted in lines]
    if run.log and "fpga_cycles" in run.log.summary:
        seen = run.log.summary["fpga_cycles"]
        spread = f"{figures.count(seen['min'])} to {figures.count(seen['max'], 'cycles')}"
        rows.append([f"In the closed loop, median ({spread})", figures.count(seen["p50"]), figures.NONE,
                     figures.microseconds(seen["p50"] / clock)])
    rate = figures.count(round(1e6 * clock / timing["interval_cycles"]))
    return join([tag("p", f"Clock cycles are counted in the emulated RTL and are those of the board; times are at its "
                          f"{figures.count(clock, 'MHz')} clock. Back to back, that is {rate} inferences per second."),
                 table("FPGA clock cycles", ["From, to", "Cycles", "Predicted", "Time"], "lrrr", rows)])


def _host(run: Run) -> Html:
    if run.log is None:
        return missing("The host's time per step is", commands.play(run))
    summary = run.log.summary
    spent = summary["latency_us"]
    labels = {part: label for part, label in PARTS.items() if part in spent}
    waited = " + ".join(label.lower() for part, label in labels.items() if part != "env")
    names = {**labels, "policy": f"Policy ({waited})"}
    numbers = table("Host time per step", ["Part", "p50", "p90", "p99"], "lrrr", (
        [label, *(figures.microseconds(spent[part][p]) for p in PERCENTILES)] for part, label in names.items()))
    text = "Median per step: " + ", ".join(
        f"{label.lower()} {figures.microseconds(spent[part]['p50'])}" for part, label in labels.items()) + "."
    parts: list[Html] = [tag("p", text)]
    if summary["device"] == "emulator":
        parts.insert(0, tag("p", "“Device” is here the time that this computer took to simulate the RTL cycle by "
                                 "cycle. It is not the board's: there, it is the FPGA's clock cycles and the bus "
                                 "around them.",
                            class_="note"))
    if "deadline" in summary:
        late = summary["deadline"]["lateness_us"]
        parts.append(tag("p", f"The loop kept {figures.count(run.log.run['hz'], 'steps/s')}: "
                              f"{figures.count(summary['deadline']['misses'])} of {figures.count(summary['steps'])} "
                              f"steps began late, at most {figures.microseconds(late['max'])} (negative: to spare)."))
    time = charts.axis("time per step (µs, logarithmic)", type="log", tickmode="array", tickvals=TICKS)
    return join([*parts, charts.chart("Host time per step, by part", text, _traces(spent, labels), time,
                                      charts.axis("", autorange="reversed"), numbers)])


def _traces(spent: dict[str, dict[str, float]], labels: dict[str, str]) -> list[dict[str, Any]]:
    # Dots and not bars: on a logarithmic axis the length of a bar says nothing.
    return [{"type": "scatter", "mode": "markers", "name": name, "y": list(labels.values()),
             "x": [spent[part][name] for part in labels],
             "marker": {"color": charts.PALETTE[colour], "symbol": symbol, "size": 12},
             "hovertemplate": "%{y}, " + name + ": %{x:.1f} µs<extra></extra>"}
            for name, (colour, symbol) in PERCENTILES.items()]
