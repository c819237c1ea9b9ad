"""Charts: plotly figures as data, drawn in the reader's browser by a library that the page carries with it.

Axes, text and grid take their colours from the page's style sheet, so that charts follow light, dark and paper.
Every chart has its numbers in a table too, for readers that see none.
"""
from __future__ import annotations

import base64
import gzip
import json
import math
import warnings
from typing import Any

from quarl.build_flows.report.markup import Html, tag

# Okabe and Ito's colour-blind safe hues, toned so that each stands out on white and on near black.
PALETTE = {"blue": "#3a86c8", "orange": "#d07c00", "green": "#159a74", "purple": "#b5679b"}
_COLUMNS = 3


def faded(colour: str) -> str:
    """The palette's ``colour``, mostly transparent: for bands."""
    red, green, blue = (int(PALETTE[colour][i:i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.22)"


def axis(title: str, **settings: Any) -> dict[str, Any]:
    """An axis whose title names the quantity and its unit."""
    return {"title": {"text": title, "standoff": 12, "font": {"size": 13}}, "automargin": True,
            "zeroline": False, **settings}


def chart(title: str, summary: str, data: list[dict[str, Any]], x: dict[str, Any], y: dict[str, Any],
          numbers: Html | None) -> Html:
    """A plotly chart of the traces ``data``; ``summary`` says in words what it shows.

    ``numbers`` is its table, None where the page has one for all charts.
    """
    return _figure(title, summary, data, {"xaxis": x, "yaxis": y}, numbers)


def panels(title: str, summary: str, data: list[list[dict[str, Any]]], x: list[dict[str, Any]], y: dict[str, Any],
           numbers: Html) -> Html:
    """A chart of panels with equal y axes, in rows of three: per panel its traces and its x axis."""
    rows, traces = math.ceil(len(data) / _COLUMNS), []
    layout: dict[str, Any] = {"height": 60 + 260 * rows, "grid": {
        "rows": rows, "columns": min(len(data), _COLUMNS), "pattern": "independent", "xgap": 0.15, "ygap": 0.35}}
    for index, (panel, axis_) in enumerate(zip(data, x, strict=True)):
        number = str(index + 1) if index else ""
        layout[f"xaxis{number}"] = axis_
        layout[f"yaxis{number}"] = y if index % _COLUMNS == 0 else {**y, "title": None}
        traces += [{**trace, "xaxis": f"x{number}", "yaxis": f"y{number}", "showlegend": not index} for trace in panel]
    return _figure(title, summary, traces, layout, numbers, class_="panels")


def _figure(title: str, summary: str, data: list[dict[str, Any]], more: dict[str, Any],
            numbers: Html | None, class_: str | None = None) -> Html:
    layout = {"height": 320, "margin": {"l": 16, "r": 16, "t": 8, "b": 16},
              "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "dragmode": False,
              "font": {"family": "system-ui, sans-serif", "size": 13}, "hovermode": "closest",
              "legend": {"orientation": "h", "traceorder": "normal", "x": 0, "xanchor": "left",
                         "y": 1.02, "yanchor": "bottom"}, **more}
    spec = json.dumps({"data": data, "layout": layout}, allow_nan=False)
    for character in "<>&":                       # nothing in it can end the script element
        spec = spec.replace(character, f"\\u{ord(character):04x}")
    return tag("figure", tag("figcaption", title),
               tag("div", "This chart needs JavaScript. Its numbers are in the table below.", class_="plot",
                   role="img", aria_label=f"{title}. {summary}"),
               tag("script", Html(spec), type="application/json"),
               "" if numbers is None else tag("details", tag("summary", "Numbers"), numbers), class_=class_)


def library() -> str:
    """plotly.js, gzip and base64: a third of its size, and none of its text is the page's."""
    with warnings.catch_warnings():          # plotly changes the filters as it is imported
        from plotly.offline import get_plotlyjs
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()
