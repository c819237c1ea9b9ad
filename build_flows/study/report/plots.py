"""The plots of a study, as plotly figures. The page draws them with filters, ``static.py`` for documents.

Every trace says in ``meta`` at which values of the filters it shows, with "" for all:
``{"task": ["CartPole-v1"], "engine": ["", "rom"]}``; a filter that is not named does not matter. ``customdata`` holds
the points' names.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from quarl.build_flows.report.charts import PALETTE, axis
from quarl.build_flows.report.figures import count
from quarl.build_flows.study.report.marks import ENERGY, Mark, Row, designs, front, policies, with_energy

Trace = dict[str, Any]
_COLOURS = list(PALETTE.values())
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x")
_BITS = {"dtick": 1}
_RETURN = "Return, mean of the seeds"


@dataclasses.dataclass(frozen=True)
class Plot:
    """A plotly figure: ``name`` is that of its file, ``summary`` says in words what it shows."""

    name: str
    title: str
    summary: str
    data: list[Trace]
    x: dict[str, Any]
    y: dict[str, Any]


def plots(rows: Sequence[Row]) -> list[Plot]:
    """All plots for which ``rows`` have points, in the page's order."""
    built, trained = designs(rows), policies(rows)
    even = [mark for mark in built if mark.bits]
    found = [
        Plot("return_bits", "Return against bits",
             "Error bars: standard deviation of the seeds' mean returns. Dotted: the fp32 policy. Policies with as "
             "many bits for weights as for activations.", _returns(trained),
             axis("Bits of weights and activations", **_BITS), axis(_RETURN)),
        Plot("return_lut", "Return against LUTs",
             "Error bars: standard deviation of the seeds. The Pareto front joins the designs of which none has as "
             "high a return with fewer LUTs. Dotted: the fp32 policy.", _pareto(built, trained),
             axis("LUT, synthesised, bridge included", rangemode="tozero"), axis(_RETURN)),
        Plot("lut_bits", "LUTs against bits", "As synthesised, bridge included, mean of the seeds and their deviation.",
             _by_bits(even, "lut"), axis("Bits of weights and activations", **_BITS),
             axis("LUT, synthesised", rangemode="tozero")),
        Plot("latency_bits", "Latency against bits",
             "Clock cycles from the last observation word to the action, as measured on the emulated RTL.",
             _by_bits(even, "latency_cycles"), axis("Bits of weights and activations", **_BITS),
             axis("Latency, cycles", rangemode="tozero")),
        Plot("energy_bits", "Energy per action against bits, estimated",
             "An estimate from toggles of the synthesised netlist; no power was measured. Bars: the range of the "
             "estimate, not the deviation of the seeds, whose mean is shown.",
             _energies(even), axis("Bits of weights and activations", **_BITS),
             axis("Energy per action, nJ, estimated", rangemode="tozero")),
        Plot("lut_estimate", "Estimate against synthesis",
             "LUTs as predicted before the build against what Yosys found; a point names its error in percent.",
             _estimates(built), axis("LUT, synthesised", rangemode="tozero"),
             axis("LUT, estimated", rangemode="tozero")),
        *_heat("heat_return", "Return", _RETURN, trained, "return_mean", lambda value: f"{value:.1f}"),
        *_heat("heat_lut", "LUTs", "LUT, synthesised", built, "lut", lambda value: count(round(value)))]
    return [plot for plot in found if plot.data]


def _where(mark: Mark) -> dict[str, list[str]]:
    engine = {"engine": ["", mark["engine"]]} if mark["engine"] else {}
    return {"task": [mark["task"]], "algo": ["", mark["algo"]], **engine}


def _series(marks: Iterable[Mark]) -> list[tuple[int, list[Mark]]]:
    """Marks of one task and label, and the label's number in its task."""
    groups: dict[str, dict[str, list[Mark]]] = {}
    for mark in marks:
        groups.setdefault(mark["task"], {}).setdefault(mark.label, []).append(mark)
    return [(number, group) for labels in groups.values() for number, group in enumerate(labels.values())]


def _trace(marks: Sequence[Mark], x: Callable[[Mark], float | None], y: str, number: int, mode: str,
           shape: int | None = None, **more: Any) -> Trace:
    shape = number // len(_COLOURS) if shape is None else shape
    colour = _COLOURS[number % len(_COLOURS)]
    return {"type": "scatter", "name": marks[0].label, "mode": mode, "x": [x(mark) for mark in marks],
            "y": [mark.mean(y) for mark in marks],
            "error_y": {"type": "data", "array": [mark.deviation(y) for mark in marks], "thickness": 1},
            "marker": {"size": 9, "color": colour, "symbol": _SYMBOLS[shape % len(_SYMBOLS)]},
            "line": {"color": colour, "width": 1.5}, "hoverinfo": "text",
            "hovertext": [mark.describe() for mark in marks], "customdata": [mark.names for mark in marks],
            "meta": _where(marks[0]), **more}


def _level(mark: Mark, x: Sequence[float], colour: str, where: dict[str, list[str]]) -> Trace:
    """The floating-point policy's return, as a line across."""
    return {"type": "scatter", "name": mark.label, "mode": "lines", "x": list(x), "y": [mark.mean("return_mean")] * 2,
            "line": {"color": colour, "width": 1.5, "dash": "dot"}, "hoverinfo": "text",
            "hovertext": [mark.describe()] * 2, "customdata": [mark.names] * 2, "meta": {**_where(mark), **where}}


def _returns(trained: Sequence[Mark]) -> list[Trace]:
    """A colour for each algorithm of a task, a symbol for each method."""
    even = sorted((mark for mark in trained if mark.bits), key=lambda mark: mark.bits or 0)
    found: list[Trace] = []
    for task in dict.fromkeys(mark["task"] for mark in even):
        here = [mark for mark in even if mark["task"] == task]
        algos, bits = list(dict.fromkeys(mark["algo"] for mark in here)), [mark.bits or 0 for mark in here]
        for _, group in _series(here):
            method = ["qat", "ptq"].index(group[0]["method"])
            trace = _trace(group, lambda mark: mark.bits, "return_mean", algos.index(group[0]["algo"]),
                           "lines+markers", method)
            trace["line"]["dash"] = ("solid", "dash")[method]
            found.append(trace)
        found += [_level(mark, (min(bits), max(bits)), _COLOURS[algos.index(mark["algo"]) % len(_COLOURS)], {})
                  for mark in trained
                  if mark["task"] == task and mark["precision"] == "fp32" and mark["algo"] in algos]
    return found


def _pareto(built: Sequence[Mark], trained: Sequence[Mark]) -> list[Trace]:
    found = [_trace(group, lambda mark: mark.mean("lut"), "return_mean", number, "markers", error_x={
        "type": "data", "array": [mark.deviation("lut") for mark in group], "thickness": 1})
        for number, group in _series(built)]
    for task, algo in dict.fromkeys((mark["task"], mark["algo"]) for mark in built):
        here = [mark for mark in built if (mark["task"], mark["algo"]) == (task, algo)]
        engines = sorted({mark["engine"] for mark in here})
        fronts = [("", here), *((engine, [mark for mark in here if mark["engine"] == engine]) for engine in engines)]
        for engine, marks in fronts:
            best = front(marks)
            found.append({"type": "scatter", "name": f"Pareto front, {algo}", "mode": "lines",
                          "x": [mark.mean("lut") for mark in best], "y": [mark.mean("return_mean") for mark in best],
                          "line": {"color": _COLOURS[2], "width": 1.5, "shape": "hv"}, "hoverinfo": "skip",
                          "meta": {"task": [task], "algo": ["", algo], "engine": [engine]}})
        luts = [mark.mean("lut") for mark in here]
        found += [_level(mark, (min(luts), max(luts)), "gray", {"engine": ["", *engines]}) for mark in trained
                  if (mark["task"], mark["algo"], mark["precision"]) == (task, algo, "fp32")]
    return found


def _by_bits(even: Sequence[Mark], column: str) -> list[Trace]:
    return [_trace(sorted(group, key=lambda mark: mark.bits or 0), lambda mark: mark.bits, column, number,
                   "lines+markers") for number, group in _series(even)]


def _energies(even: Sequence[Mark]) -> list[Trace]:
    found = []
    for number, group in _series(with_energy(even)):
        marks = sorted(group, key=lambda mark: mark.bits or 0)
        bounds = [[mark.mean(column) for column in ENERGY] for mark in marks]
        found.append(_trace(marks, lambda mark: mark.bits, ENERGY[0], number, "lines+markers", error_y={
            "type": "data", "symmetric": False, "array": [high - nominal for nominal, _, high in bounds],
            "arrayminus": [nominal - low for nominal, low, _ in bounds], "thickness": 1}))
    return found


def _estimates(built: Sequence[Mark]) -> list[Trace]:
    found = [_trace(group, lambda mark: mark.mean("lut"), "lut_estimate", number, "markers")
             for number, group in _series(built)]
    for task in dict.fromkeys(mark["task"] for mark in built):
        here = [mark for mark in built if mark["task"] == task]
        most = max(mark.mean("lut") for mark in here)
        found.append({"type": "scatter", "name": "equal", "mode": "lines", "x": [0, most], "y": [0, most],
                      "line": {"color": "gray", "width": 1, "dash": "dot"}, "hoverinfo": "skip",
                      "meta": {"task": [task], "algo": ["", *{mark["algo"] for mark in here}],
                               "engine": ["", *{mark["engine"] for mark in here}]}})
    return found


def _heat(name: str, what: str, summary: str, marks: Sequence[Mark], column: str,
          text: Callable[[float], str]) -> list[Plot]:
    """A plot for each series that has other widths for weights than for activations."""
    found = []
    for _, group in _series(mark for mark in marks if mark.widths):
        at = {mark.widths: mark for mark in group if mark.widths}
        if all(weight == act for weight, act in at):
            continue
        x, y = (sorted(set(widths)) for widths in zip(*at, strict=True))

        cells = [[at.get((weight, act)) for weight in x] for act in y]
        trace = {"type": "heatmap", "name": group[0].label, "x": list(map(str, x)),
                 "y": list(map(str, y)),
                 "z": [[mark and mark.mean(column) for mark in row] for row in cells],
                 "text": [[text(mark.mean(column)) if mark else "" for mark in row] for row in cells],
                 "texttemplate": "%{text}", "hovertext": [[mark and mark.describe() for mark in row] for row in cells],
                 "hoverinfo": "text", "customdata": [[mark and mark.names for mark in row] for row in cells],
                 "colorscale": "Viridis", "hoverongaps": False, "meta": _where(group[0])}
        found.append(Plot(name, f"{what} by weights and activations: {group[0].label}", summary, [trace],
                          axis("Bits of weights", type="category"), axis("Bits of activations", type="category")))
    return found
