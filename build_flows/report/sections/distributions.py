"""Distributions: weights and activations before and after quantisation, and what the difference costs."""
from __future__ import annotations

from typing import Any

from quarl.build_flows.report import charts, commands, figures
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, join, missing, table, tag

COLUMNS = ("Layer", "Tensor", "Range", "Std", "Spread", "SQNR (dB)", "Zeros after", "Saturated", "Agreement")
CHARTS = {"Weights before and after quantisation": ("weights",),
          "Inputs and activations before and after quantisation": ("inputs", "activations")}
STYLES = {"weights": ("blue", "circle"), "activations": ("orange", "diamond")}
ERRORS = {"sqnr_db": ("of their own", ""), "outputs_sqnr_db": ("of the outputs", "-open")}


def section(run: Run) -> Html:
    """What is lost, tensor by tensor; the histograms; and whether wide distributions lose more."""
    found = run.analysis
    if found is None:
        return missing("The analysis of quantisation is", commands.train(run)[-1])
    note = tag("p", "“Spread” is the largest absolute value in standard deviations: the larger, the fewer levels of "
                    "a uniform quantiser are left for most values. SQNR is the power of a tensor over that of its "
                    "rounding errors. “Agreement” is the share of actions that are kept if only this tensor "
                    "is quantised.")
    parts = [tag("p", _loss(run, found)), note,
             table("Tensors", COLUMNS, "llrrrrrrr", (_row(t) for t in found["tensors"]))]
    parts += [_histograms(title, [t for t in found["tensors"] if t["kind"] in kinds])
              for title, kinds in CHARTS.items()]
    return join([*parts, _relation(found["relation"])])


def _loss(run: Run, found: dict[str, Any]) -> str:
    """The actions that quantisation keeps, and, where it came after training, what that does to the return."""
    text = "Compared with %s, the quantised policy takes %s action on %s of %s." % (
        "the fp32 policy" if run.config.get("ptq") else found["before"],
        "the same" if found["actions"]["kind"] == "discrete" else "a close",
        figures.share(found["actions"]["agreement"]), figures.count(found["observations"], "observations"))
    result = run.policy.provenance.get("result") or {}
    if "source_mean_return" not in result:
        return text
    before, after = result["source_mean_return"], result["mean_return"]
    return text + " Its mean return is %s over %s, in fp32 %s: a change of %s." % (
        figures.real(after), figures.count(result["episodes"], "episodes"), figures.real(before),
        figures.real(after - before))


def _row(tensor: dict[str, Any]) -> list[object]:
    before = tensor["before"]
    return [f"Layer {tensor['layer']}", tensor["kind"],
            f"{figures.significant(before['min'])} to {figures.significant(before['max'])}",
            figures.significant(before["std"]), figures.real(before["spread"]), figures.real(tensor["sqnr_db"]),
            figures.share(tensor["after"]["zeros"]), figures.share(tensor["saturated"]),
            figures.share(tensor["alone"]["agreement"])]


def _histograms(title: str, tensors: list[dict[str, Any]]) -> Html:
    summary = "Histograms of %s: values in each of %d equal intervals, on a logarithmic axis." % (
        ", ".join(f"{t['kind']} of layer {t['layer']}" for t in tensors), len(tensors[0]["before"]["histogram"]))
    columns = ["Interval", *(f"Layer {t['layer']}, {name}" for t in tensors for name in ("from", "before", "after"))]
    parts = [zip(_edges(t), t["before"]["histogram"], t["after"]["histogram"], strict=False) for t in tensors]
    rows = ([index, *(cell for edge, before, after in cells
                      for cell in (figures.significant(edge), figures.count(before), figures.count(after)))]
            for index, cells in enumerate(zip(*parts, strict=True)))
    return charts.panels(title, summary, [_traces(t) for t in tensors],
                         [charts.axis(f"{t['kind']}, layer {t['layer']}") for t in tensors],
                         charts.axis("values", type="log", dtick=1, exponentformat="SI"),
                         table(title, columns, "r" * len(columns), rows))


def _edges(tensor: dict[str, Any]) -> list[float]:
    """Where the intervals of a histogram begin, and where the last ends."""
    low, high = tensor["range"]
    bins = len(tensor["before"]["histogram"])
    return [low + (high - low) * index / bins for index in range(bins + 1)]


def _traces(tensor: dict[str, Any]) -> list[dict[str, Any]]:
    """Before, a line of steps; after, a dot an interval: it has few values, with gaps between them."""
    edges, x, y = _edges(tensor), [], []
    for low, high, count in zip(edges, edges[1:], tensor["before"]["histogram"], strict=False):
        x += [low, high]
        y += [count or None] * 2                        # the logarithmic axis has no 0: a gap in the line
    dots = [((low + high) / 2, count)
            for low, high, count in zip(edges, edges[1:], tensor["after"]["histogram"], strict=False) if count]
    hover = "%{x:.3g}: %{y:,d}"
    return [{"type": "scatter", "mode": "lines", "name": "before", "x": x, "y": y, "legendgroup": "before",
             "line": {"color": charts.PALETTE["blue"], "width": 1.5}, "hovertemplate": hover + "<extra>before</extra>"},
            {"type": "scatter", "mode": "markers", "name": "after", "x": [dot[0] for dot in dots],
             "y": [dot[1] for dot in dots], "legendgroup": "after",
             "marker": {"color": charts.PALETTE["orange"], "size": 6}, "hovertemplate": hover + "<extra>after</extra>"}]


def _relation(relation: dict[str, Any]) -> Html:
    """Spread against error, with QuaRL's expectation: the wider, the worse."""
    ranks = [(kind, relation[kind]["rank_correlation"]) for kind in STYLES]
    known = "; ".join(f"{kind}: {figures.real(rank['sqnr_db'], 2)} with the SQNR of each, "
                      f"{figures.real(rank['outputs_sqnr_db'], 2)} with that of the outputs"
                      for kind, rank in ranks if rank["sqnr_db"] is not None)
    text = "If wider distributions lose more, SQNR falls as spread grows, and their rank correlation is near -1. "
    text += f"Here it is, over the layers, of {known}." if known else "Fewer than three layers give no correlation."
    rows = ([f"Layer {layer}", kind, figures.real(spread, 2), figures.real(own), figures.real(outputs)]
            for kind in STYLES for layer, spread, own, outputs in zip(*(
                relation[kind][name] for name in ("layers", "spread", "sqnr_db", "outputs_sqnr_db")), strict=True))
    title = "Error against spread"
    return join([tag("p", text), charts.chart(
        title, text, _points(relation), charts.axis("spread (standard deviations)"),
        charts.axis("SQNR (dB)"),
        table(title, ["Layer", "Tensor", "Spread", "SQNR (dB)", "SQNR of the outputs if alone (dB)"], "llrrr", rows))])


def _points(relation: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "scatter", "mode": "markers", "name": f"{kind}, SQNR {name}",
             "x": relation[kind]["spread"], "y": relation[kind][error],
             "text": [f"layer {layer}" for layer in relation[kind]["layers"]],
             "marker": {"color": charts.PALETTE[colour], "symbol": symbol + fill, "size": 11,
                        "line": {"width": 2, "color": charts.PALETTE[colour]}},
             "hovertemplate": "%{text}: spread %{x:.2f}, %{y:.1f} dB<extra>" + kind + "</extra>"}
            for kind, (colour, symbol) in STYLES.items() for error, (name, fill) in ERRORS.items()]
