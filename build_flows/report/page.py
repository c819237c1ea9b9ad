"""The page of a run: its sections in order."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from quarl.build_flows.report.document import document
from quarl.build_flows.report.inputs import Run, read_run
from quarl.build_flows.report.markup import Html, join, tag
from quarl.build_flows.report.sections import (
    bitstream,
    clock,
    distributions,
    energy,
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
from quarl.host.errors import UserError
from quarl.host.files import PathLike, write_bytes

SECTIONS: dict[str, Callable[[Run], Html]] = {
    "Training": training.section,
    "Distributions": distributions.section,
    "Closed loop": episodes.section,
    "Parity": parity.section,
    "Resources": utilisation.section,
    "Latency": latency.section,
    "Clock": clock.section,
    "Energy": energy.section,
    "Bitstream": bitstream.section,
    "Layers": layers.section,
    "How to reproduce": reproduce.section,
    "Provenance": provenance.section,
}


def write_report(run: PathLike) -> Path:
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
    return document(f"{run.policy.task} · {run.name} · QuaRL on FPGA", join(body))


def _render(title: str, section: Callable[[Run], Html], run: Run) -> Html:
    try:
        return section(run)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise UserError("the files in a run folder must have the fields that this version of quarl writes",
                        f"{type(error).__name__}: {error} (section {title})",
                        "repeat the commands of the run with this version") from error
