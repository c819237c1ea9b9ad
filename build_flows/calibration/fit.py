"""Fit the LUT model to what was measured: ``python -m quarl.build_flows.calibration.fit``.

Fits the coefficients to the layers in ``calibration/measured.csv`` that are there to be fitted, without any synthesis,
and writes them to ``resources.yaml``. Prints how well they hold on every design, and draws ``docs/resources.svg`` where
the sources are. ``python -m quarl.build_flows.calibration.measure`` measures what the data file lacks.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from quarl.build_flows.calibration import table
from quarl.build_flows.calibration.compare import Compared, compare, spread
from quarl.build_flows.calibration.designs import FITTED, HELD_OUT
from quarl.build_flows.calibration.table import Row
from quarl.build_flows.estimate import finn, resources, rom, width_converter
from quarl.build_flows.estimate.models import MODELS
from quarl.build_flows.estimate.shape import NO_LANES

FEATURES = tuple(dict.fromkeys((*rom.FEATURES, *finn.FEATURES, *width_converter.FEATURES)))
# What is expected where the fit has nothing to go by. Of engine rom it is what a fit to larger networks had found
# (twelve, most of them 8-64-64-4), which small ones may not spoil; else what the structure says, one look-up table each
# but for some.
_LARGER = {"unit": 6.93, "counter bits": 1.28, "row functions": 1.35, "row additions": 0.975,
           "row additions x index bits": 0.048, "adders": 0.903, "multiples": 0.78, "weight ROM": 1.354,
           "bias ROM": 0.869, "comparisons": 0.615, "searches": 1.374, "input": 0.976}
_EXPECTED = _LARGER | {"frames": 25.0, "thresholdings": 20.0, "fifos": 11.0, "converters": 12.0, "product rows": 2.2,
                       "signed product rows": 2.2, "lanes": 5.0}
# How much it is trusted, as against a layer's relative error; memory is exact.
_TRUST = np.array([1e3 if name == "memory" else 0.1 if name not in _LARGER or name in ("unit", "counter bits") else 1.0
                   for name in FEATURES])

Part = tuple[dict[str, float], float, float]
"""What the structure counts in a part of a layer, its measured LUTs, and those of the whole layer."""


def parts(rows: Sequence[Row]) -> list[Part]:
    """The parts of a design's layers that were measured by themselves."""
    design, lanes = rows[0].design, NO_LANES
    found: list[Part] = []
    for row, shape, layer in zip(rows, design.shapes(), design.folding, strict=True):
        counted = MODELS[design.engine].parts(shape, layer, lanes or layer.simd)
        found += [(counts, sum(row.counts[name]["lut"] for name in names), row.total("lut"))
                  for names, counts in counted.items()]
        lanes = layer.pe
    return found


def fit(measured: Iterable[Part]) -> dict[str, float]:
    """The coefficients with the least squared errors, relative to the layers, drawn towards what is expected."""
    expected = np.array([_EXPECTED.get(name, 1.0) for name in FEATURES])
    shares, targets = (np.array(each) for each in zip(*(
        ([counts.get(name, 0) / whole for name in FEATURES], lut / whole) for counts, lut, whole in measured),
        strict=True))
    found, *_ = np.linalg.lstsq(np.vstack([shares * expected, np.diag(_TRUST)]), np.append(targets, _TRUST), rcond=None)
    return {name: round(float(value), 3) for name, value in zip(FEATURES, expected * found, strict=True)}


def show(compared: Sequence[Compared]) -> None:
    """Print measured and estimated figures, and the errors by engine."""
    from quarl.build_flows.console import say
    from quarl.build_flows.console import table as show_table

    show_table("Measured, estimated", ("design", "LUT", "", "%", "FF", "", "BRAM", "", "cycles", "", "FINN's LUT"), [
        ("%s: %s" % (one.rows[0].design.role, one.rows[0].design.name), "%d" % one.measured["lut"],
         "%d" % one.estimated["lut"], "%+.1f" % (100 * one.error()), "%d" % one.measured["ff"],
         "%d" % one.estimated["ff"], "%g" % one.measured["bram36"], "%g" % one.estimated["bram36"],
         "-" if one.rows[0].latency is None else one.rows[0].latency, one.latency, "%d" % one.finn["finn_lut"])
        for one in compared])
    for role in (FITTED, HELD_OUT):
        for engine in MODELS:
            errors = [one.error() for one in compared
                      if (one.rows[0].design.role, one.rows[0].design.engine) == (role, engine)]
            if errors:
                median, worst = spread(errors)
                say("%s, %s: %d designs, LUT error median %.1f %%, largest %.1f %%"
                    % (role, engine, len(errors), 100 * median, 100 * worst))


def draw(compared: Sequence[Compared], folder: Path) -> None:
    """Draw estimate against synthesis, as ``folder/resources.svg``."""
    from quarl.build_flows.report.charts import PALETTE, axis
    from quarl.build_flows.study.report.plots import Plot, Trace
    from quarl.build_flows.study.report.static import write_plots

    data: list[Trace] = []
    for role in (FITTED, HELD_OUT):
        here = [one for one in compared if one.rows[0].design.role == role]
        for engine, colour in zip(MODELS, PALETTE.values(), strict=False):
            those = [one for one in here if one.rows[0].design.engine == engine]
            data.append({"type": "scatter", "name": engine, "mode": "markers", "meta": {"task": [role]},
                         "x": [one.measured["lut"] for one in those], "y": [one.estimated["lut"] for one in those],
                         "marker": {"symbol": "circle"}, "line": {"color": colour}})
        most = max(one.measured["lut"] for one in here)
        data.append({"type": "scatter", "name": "equal", "mode": "lines", "meta": {"task": [role]}, "x": [0, most],
                     "y": [0, most], "line": {"color": "gray", "dash": "dot"}})
    write_plots([Plot("resources", "LUTs of a design", "", data, axis("synthesised by Yosys", rangemode="tozero"),
                      axis("estimated", rangemode="tozero"))], folder)


def main() -> None:
    """Fit, write ``resources.yaml``, show and draw how well it holds."""
    import yaml

    measured = table.read()
    coefficients = fit(part for design, rows in measured.items() if design.role == FITTED for part in parts(rows))
    path = Path(resources.__file__).with_name("resources.yaml")
    settings: dict[str, Any] = yaml.safe_load(path.read_text())
    settings["lut"] = coefficients
    path.write_text("# LUTs that synthesis makes of each that the structure counts (build_flows/estimate/rom.py,\n"
                    "# finn.py, width_converter.py), fitted to Yosys' figures by `python -m "
                    "quarl.build_flows.calibration.fit`;\n# the shell's as measured.\n"
                    + yaml.safe_dump(settings, sort_keys=False))
    resources.forget()
    compared = [compare(rows) for rows in measured.values()]
    show(compared)
    if (docs := path.resolve().parents[2] / "docs").is_dir():
        draw(compared, docs)


if __name__ == "__main__":
    main()
