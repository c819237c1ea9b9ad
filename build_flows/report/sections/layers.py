"""Layer by layer: shape, bits, folding, and what each costs."""
from __future__ import annotations

from typing import Any

from quarl.build_flows.report import commands, figures
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, bar, code, join, table, tag

COLUMNS = ("Part", "Shape", "W bits", "A bits", "PE", "SIMD", "Cycles", "LUT, predicted", "LUT", "FF", "DSP",
           "Share of LUTs")
OTHERS = {"streams": "Streams (FIFOs, width converters)", "bridge": "AXI4-Lite bridge"}


def section(run: Run) -> Html:
    """One row a layer, then what surrounds them."""
    groups = run.synth["groups"] if run.synth else {}
    plan = run.estimate["layers"] if run.estimate else [{}] * len(run.policy.layers)
    rows = [_layer(run, index, folding, groups) for index, folding in enumerate(plan)]
    rows += [[label, *[""] * 6, figures.NONE, *_costs(run, groups[name])] for name, label in OTHERS.items()
             if name in groups]
    if run.synth:
        predicted = run.estimate["predicted"]["lut"] if run.estimate else None
        rows.append(["Total", *[""] * 6, figures.count(predicted), *_costs(run, run.synth["total"])])
    parts = [table("Layers", COLUMNS, "llrrrrrrrrrl", rows)]
    if not (run.synth and run.estimate):
        parts.insert(0, tag("p", "A dash is what is not known yet: ", code(commands.build(run)), " finds it.",
                            class_="missing"))
    else:
        parts.insert(0, tag("p", "PE output channels and SIMD inputs are worked on at once, which takes “cycles” "
                                 "per inference; the slowest layer sets the rate."))
    return join(parts)


def _layer(run: Run, index: int, folding: dict[str, Any], groups: dict[str, Any]) -> list[object]:
    layer = run.policy.layers[index]
    outputs, inputs = layer.weights.shape
    return [f"Layer {index}", figures.shape(inputs, outputs), layer.weight_bits, layer.act_bits or "none",
            *(figures.count(folding.get(name)) for name in ("pe", "simd", "cycles", "lut")),
            *_costs(run, groups.get(f"layer {index}", {}))]


def _costs(run: Run, cost: dict[str, Any]) -> list[object]:
    """LUT, FF and DSP of a part, and a bar for its share of all LUTs."""
    cells: list[object] = [figures.count(cost.get(kind)) for kind in ("lut", "ff", "dsp")]
    if not run.synth or not cost:
        return [*cells, figures.NONE]
    share = 100 * cost["lut"] / max(run.synth["total"]["lut"], 1)
    return [*cells, tag("div", bar((share, "logic")), tag("span", figures.percent(share)), class_="share")]
