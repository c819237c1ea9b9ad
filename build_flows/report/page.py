"""The page: its sections in order, its style, and the chart library if there is a chart."""
from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from string import Template

from build_flows.report import charts
from build_flows.report.inputs import Run, read_run
from build_flows.report.markup import Html, join, safe, tag
from build_flows.report.sections import (
    bitstream,
    clock,
    distributions,
    episodes,
    headline,
    latency,
    layers,
    parity,
    provenance,
    reproduce,
    training,
    utilisation,
)
from host.errors import UserError
from host.files import write_bytes

SECTIONS: dict[str, Callable[[Run], Html]] = {
    "Training": training.section,
    "Distributions": distributions.section,
    "Closed loop": episodes.section,
    "Parity": parity.section,
    "Resources": utilisation.section,
    "Latency": latency.section,
    "Clock": clock.section,
    "Bitstream": bitstream.section,
    "Layers": layers.section,
    "How to reproduce": reproduce.section,
    "Provenance": provenance.section,
}


def write_report(run: Path) -> Path:
    """Write ``run/report.html`` from what the run folder holds, and return its path.

    Needs ``config.yaml`` and ``policy/``; a section whose input is missing names the command that makes it, but for the
    bitstream's, which is left out. The page loads nothing from anywhere, and the same inputs give the same page.
    Raises :class:`UserError` for a folder that is no run or holds a damaged file, ``ToolError`` if the disk refuses.
    """
    folder = Path(run)
    data = read_run(folder)
    path = folder / "report.html"
    write_bytes(path, _page(data).encode())
    return path


def _page(run: Run) -> str:
    body = [_render("Headline", headline.section, run)]
    for title, section in SECTIONS.items():
        name = title.lower().replace(" ", "-")
        if content := _render(title, section, run):
            body.append(tag("section", tag("h2", title, id=name), content, aria_labelledby=name))
    page = tag("main", join(body))
    colours = " ".join(f"--{name}: {value};" for name, value in charts.PALETTE.items())
    return Template(_file("page.html")).substitute(
        title=safe(f"{run.policy.task} · {run.name} · QuaRL on FPGA"),
        style=f":root {{ {colours} }}\n" + _file("page.css"), body=page,
        scripts=_scripts() if 'class="plot"' in page else "")


def _render(title: str, section: Callable[[Run], Html], run: Run) -> Html:
    try:
        return section(run)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise UserError("the files in a run folder must have the fields that this version of quarl writes",
                        f"{type(error).__name__}: {error} (section {title})",
                        "repeat the commands of the run with this version") from error


def _scripts() -> Html:
    return join([tag("footer", "The charts are drawn by plotly.js (MIT licence), which this page carries with it."),
                 tag("script", charts.library(), id="plotly", type="text/plain"),
                 tag("script", Html(_file("charts.js")))])


def _file(name: str) -> str:
    return resources.files("build_flows.report").joinpath(name).read_text(encoding="utf-8")
