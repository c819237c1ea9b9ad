"""The plots as SVG files, for documents: a panel for each task, drawn by matplotlib from the same figures."""
from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quarl.build_flows.study.report.plots import Plot, Trace
from quarl.host.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = {"circle": "o", "diamond": "D", "square": "s", "triangle-up": "^", "x": "X"}
_DASHES = {"dot": ":", "dash": "--", "solid": "-"}
_WIDTH, _HEIGHT = 4.8, 3.6       # of a panel, in inches
_COLUMNS = 3
# Text stays text, and the same results give the same file.
_SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "quarl", "font.size": 9, "axes.spines.top": False,
             "axes.spines.right": False}


def write_plots(plots: Sequence[Plot], folder: Path) -> list[Path]:
    """Write ``folder/NAME.svg`` for each name among ``plots``, and return the paths. ``ToolError`` if the disk refuses.

    matplotlib writes them without a browser, which plotly's own way of writing pictures needs.
    """
    import matplotlib
    found = []
    with matplotlib.rc_context(_SETTINGS):
        for name in dict.fromkeys(plot.name for plot in plots):
            found.append(folder / f"{name}.svg")
            write_bytes(found[-1], _drawn([panel for plot in plots if plot.name == name for panel in _panels(plot)]))
    return found


def _panels(plot: Plot) -> list[tuple[Plot, str, list[Trace]]]:
    """A panel for each task: its title, and what shows there while no other filter is set."""
    tasks = dict.fromkeys(task for trace in plot.data for task in trace["meta"]["task"])
    shown = {task: [trace for trace in plot.data if task in trace["meta"]["task"]
                    and "" in trace["meta"].get("engine", [""])] for task in tasks}
    return [(plot, f"{plot.title}, {task}", traces) for task, traces in shown.items()]


def _drawn(panels: Sequence[tuple[Plot, str, list[Trace]]]) -> bytes:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    columns, rows = min(len(panels), _COLUMNS), math.ceil(len(panels) / _COLUMNS)
    figure = Figure((_WIDTH * columns, _HEIGHT * rows), layout="constrained")
    canvas = FigureCanvasSVG(figure)
    for number, (plot, title, traces) in enumerate(panels, 1):
        axes = figure.add_subplot(rows, columns, number)
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_xlabel(plot.x["title"]["text"])
        axes.set_ylabel(plot.y["title"]["text"])
        for trace in traces:
            (_heat if trace["type"] == "heatmap" else _scatter)(axes, trace)
        if traces[0]["type"] == "scatter":
            _limits(axes, plot)
            axes.legend(frameon=False, fontsize=8)
    text = io.BytesIO()
    canvas.print_svg(text, metadata={"Date": None})
    return text.getvalue()


def _scatter(axes: Axes, trace: Trace) -> None:
    line, marker = trace["line"], trace.get("marker")
    step = "steps-post" if line.get("shape") == "hv" else "default"
    style = _DASHES[line.get("dash", "solid")] if "lines" in trace["mode"] else "none"
    axes.errorbar(trace["x"], trace["y"], yerr=_bars(trace, "error_y"), xerr=_bars(trace, "error_x"),
                  label=trace["name"], color=line["color"], linestyle=style, elinewidth=0.8, linewidth=1.2,
                  marker=_MARKERS[marker["symbol"]] if marker else None, markersize=5, drawstyle=step)


def _bars(trace: Trace, name: str) -> Any:
    if name not in trace:
        return None
    bars = trace[name]
    return [bars["arrayminus"], bars["array"]] if "arrayminus" in bars else bars["array"]


def _limits(axes: Axes, plot: Plot) -> None:
    for settings, limit in ((plot.x, axes.set_xlim), (plot.y, axes.set_ylim)):
        if settings.get("rangemode") == "tozero":
            limit(0)
    if plot.x.get("dtick"):
        from matplotlib.ticker import MultipleLocator
        axes.xaxis.set_major_locator(MultipleLocator(plot.x["dtick"]))


def _heat(axes: Axes, trace: Trace) -> None:
    import numpy as np
    values = np.ma.masked_invalid(np.array(trace["z"], float))
    image = axes.imshow(values, origin="lower", cmap=trace["colorscale"].lower(), aspect="auto")
    axes.set_xticks(range(len(trace["x"])), trace["x"])
    axes.set_yticks(range(len(trace["y"])), trace["y"])
    for (row, column), value in np.ndenumerate(values):
        if not np.ma.is_masked(value):
            axes.text(column, row, trace["text"][row][column], ha="center", va="center",
                      color="black" if image.norm(value) > 0.6 else "white")
