"""A page in one file: its style, its text, and the chart library if there is a chart. It loads nothing."""
from __future__ import annotations

from importlib import resources
from string import Template

from quarl.build_flows.report import charts
from quarl.build_flows.report.markup import Html, join, safe, tag


def document(title: str, body: Html, script: str = "") -> str:
    """The page of ``title`` and ``body``. ``script`` runs after the charts' own: ``drawn`` is its promise."""
    page = tag("main", body)
    colours = " ".join(f"--{name}: {value};" for name, value in charts.PALETTE.items())
    return Template(_file("page.html")).substitute(
        title=safe(title), style=f":root {{ {colours} }}\n" + _file("page.css"), body=page,
        scripts=_scripts(script) if 'class="plot"' in page else "")


def _scripts(script: str) -> Html:
    return join([tag("footer", "The charts are drawn by plotly.js (MIT licence), which this page carries with it."),
                 tag("script", charts.library(), id="plotly", type="text/plain"),
                 *(tag("script", Html(each)) for each in (_file("charts.js"), script) if each)])


def _file(name: str) -> str:
    return resources.files("quarl.build_flows.report").joinpath(name).read_text(encoding="utf-8")
