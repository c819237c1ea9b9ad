"""The study's page: filters, plots, what is measured and what is estimated, and a table of all points."""
from __future__ import annotations

import json
import os
import statistics
import urllib.parse
from collections.abc import Container, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from quarl.build_flows.report.charts import chart
from quarl.build_flows.report.document import document
from quarl.build_flows.report.figures import NONE, count, mean_std, percent, real
from quarl.build_flows.report.markup import Html, join, table, tag
from quarl.build_flows.study import tables
from quarl.build_flows.study.grid import Study
from quarl.build_flows.study.report.marks import ENERGY, Mark, Row, designs, done, with_energy
from quarl.build_flows.study.report.plots import Plot, plots
from quarl.build_flows.study.report.static import write_plots
from quarl.build_flows.study.results import Record
from quarl.host.files import write_bytes

REPORT, PLOTS = "report.html", "plots"
_FILTERS = {"task": "Task", "algo": "Algorithm", "engine": "Engine"}
_COLUMNS: dict[str, str] = {"Task": "l", "Algorithm": "l", "Policy": "l", "Seed": "r", "Return, measured": "r"}
_HARDWARE: dict[str, str] = {
    "Engine": "l", "LUT, synthesised": "r", "LUT, estimated": "r", "Error": "r", "FF": "r", "DSP": "r", "BRAM": "r",
    "Latency, cycles, measured": "r", "estimated": "r", "Interval, cycles, measured": "r"}
_ENERGY = "Energy per action, nJ, estimated (range)"
_BACKENDS = {"torch": "fp32 and fp16 policies were played by torch",
             "integer": "quantised policies by the integer reference, which acts as the hardware does, bit for bit",
             "emulator": "designs by the emulated RTL, every step of which is compared with the integer reference"}


def write_report(study: Study, records: Mapping[str, Record], folder: Path, runs: Path) -> Path:
    """Write ``folder/plots/*.svg`` and ``folder/report.html`` from ``records``, and return the path of the page.

    Points whose run folder in ``runs`` has a report are linked with it. Raises ``ToolError`` if the disk refuses.
    """
    rows = tables.lines(study, records)
    shown = plots(rows)
    write_plots(shown, folder / PLOTS)
    links = {row["name"]: _link(runs / row["name"] / REPORT, folder) for row in rows}
    write_bytes(folder / REPORT, _page(study.name, rows, shown, links).encode())
    return folder / REPORT


def _link(report: Path, folder: Path) -> str | None:
    if not report.exists():
        return None
    return urllib.parse.quote(os.path.relpath(report.resolve(), folder.resolve()))


def _page(name: str, rows: Sequence[Row], shown: Sequence[Plot], links: Mapping[str, str | None]) -> str:
    failed = len(rows) - len(done(rows))
    head = join([tag("p", "QuaRL on FPGA", class_="brand"), tag("h1", f"Study {name}"),
                 tag("p", f"{len(rows)} points with a result" + (f", {failed} of them failed" if failed else ""),
                     class_="subtitle")])
    drawn = join(tag("div", chart(plot.title, plot.summary, plot.data, plot.x, plot.y, None),
                     tag("p", plot.summary, class_="keys")) for plot in shown)
    body = [head, *([_filters(rows)] if shown else []),
            _section("Plots", drawn if shown else tag("p", "No point has a result to plot yet.", class_="missing")),
            _section("What is measured, what is an estimate", _meaning(rows)),
            _section("Points", _points(rows, links))]
    return document(f"Study {name} · QuaRL on FPGA", join(body), _file("filters.js"))


def _section(title: str, content: Html) -> Html:
    name = title.lower().replace(",", "").replace(" ", "-")
    return tag("section", tag("h2", title, id=name), content, aria_labelledby=name)


def _filters(rows: Sequence[Row]) -> Html:
    """A task is always chosen, as returns of different tasks do not compare."""
    fields = []
    for column, label in _FILTERS.items():
        values = dict.fromkeys(row[column] for row in rows if row[column])
        options = [*([] if column == "task" else [tag("option", "all", value="")]),
                   *(tag("option", value, value=value) for value in values)]
        if values:
            fields.append(tag("label", label, " ", tag("select", *options, data_filter=column)))
    return tag("section", tag("form", *fields, class_="filters", autocomplete="off"),
               tag("p", "Point at a mark to see what it is. Click on it: its run's report opens where there is one "
                   "(", tag("code", "quarl report RUN"), " makes it), else its name is copied.", class_="keys"),
               tag("p", id="said", role="status", class_="keys"), aria_label="Filters")


def _meaning(rows: Sequence[Row]) -> Html:
    backends = {row["backend"] for row in done(rows)}
    episodes = sorted({row["episodes"] for row in done(rows)})
    items = [tag("li", tag("b", "Measured: "), f"returns, over {', '.join(map(str, episodes))} fresh episodes a seed; "
                 + "; ".join(text for backend, text in _BACKENDS.items() if backend in backends) + ".")]
    built = designs(rows)
    if built:
        items += [
            tag("li", tag("b", "Measured: "), "latency and interval, in clock cycles of the emulated RTL. Microseconds "
                "are these cycles at the clock that was asked for; this page does not say that it is reached."),
            tag("li", tag("b", "Synthesised: "), "LUT, FF, DSP and BRAM are counts of Yosys, with the bridge, before "
                "place and route."),
            *([tag("li", tag("b", "Estimated: "), "energy per action, from toggles of the synthesised netlist, counted "
                   "in its simulation, and published figures of cells. It stands with the range that these leave open; "
                   "no power was measured.")] if with_energy(built) else []),
            tag("li", tag("b", "Estimated: "), "LUTs and cycles, from formulas before the build. They were off by:")]
    return join([tag("ul", *items), *([_errors(built)] if built else [])])


def _errors(built: Sequence[Mark]) -> Html:
    rows = []
    for engine in sorted({mark["engine"] for mark in built}):
        each = [Mark((row,)) for mark in built if mark["engine"] == engine for row in mark.rows]
        errors = [abs(mark.error) for mark in each]
        exact = sum(mark["latency_cycles"] == mark["latency_cycles_estimate"] for mark in each)
        rows.append((engine, len(each), percent(statistics.median(errors)), percent(max(errors)),
                     f"{exact} of {len(each)}"))
    return table("Estimate against synthesis, all tasks", (
        "Engine", "Designs", "LUT, median error", "LUT, worst error", "Latency exact"), "lrrrr", rows)


def _points(rows: Sequence[Row], links: Mapping[str, str | None]) -> Html:
    columns = {**_COLUMNS, **(_HARDWARE if any(row["engine"] for row in rows) else {}),
               **({_ENERGY: "r"} if with_energy(designs(rows)) else {}), "Run": "l"}
    head = tag("tr", *(tag("th", title, scope="col", class_=_kind(align)) for title, align in columns.items()))
    body = [tag("tr", *(tag("td", cell, class_=_kind(align)) for cell, align in zip(
        _cells(row, links[row["name"]], columns), columns.values(), strict=True)), id=row["name"],
        data_where=json.dumps({key: [row[key]] if key == "task" else ["", row[key]] for key in _FILTERS}))
        for row in rows]
    return tag("div", tag("table", tag("caption", "Every seed. Returns: mean ± standard deviation of the episodes."),
                          tag("thead", head), tag("tbody", *body), id="points-table"),
               class_="scroll", tabindex="0", role="region", aria_label="Points")


def _kind(align: str) -> str | None:
    return "number" if align == "r" else None


def _cells(row: Row, link: str | None, columns: Container[str]) -> Iterable[object]:
    yield from (row["task"], row["algo"], row["precision"], row["seed"])
    yield _bad(row["error"]) if row["error"] else mean_std(row["return_mean"], row["return_std"])
    if "Engine" in columns:
        yield " ".join(filter(None, (row["engine"], row["folding"], row["board"])))
        built: dict[str, Any] = row if row["engine"] and not row["error"] else {}      # type: ignore[assignment]
        yield from (count(built.get("lut")), count(built.get("lut_estimate")),
                    f"{Mark((row,)).error:+.1f} %" if built else "–")
        yield from (count(built.get(key)) for key in ("ff", "dsp", "bram36", "latency_cycles",
                                                      "latency_cycles_estimate"))
        yield real(built.get("interval_cycles"))
    if _ENERGY in columns:
        yield NONE if row.get(ENERGY[0], "") == "" else Mark((row,)).energy
    yield (tag("a", row["name"], href=link, target="_blank", rel="noopener") if link else
           tag("button", row["name"], type="button", title="copy the name"))


def _bad(error: str) -> Html:
    return tag("span", "failed", class_="bad", title=error)


def _file(name: str) -> str:
    return resources.files("quarl.build_flows.study.report").joinpath(name).read_text(encoding="utf-8")
