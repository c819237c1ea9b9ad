"""Fit the LUT model of engine rom to Yosys' figures: ``python -m build_flows.calibrate``.

Synthesises random networks over bits and foldings (about a minute each the first time, then cached), prints what was
measured and predicted for each layer, fits the coefficients, prints how well they hold on networks that were left out
of the fit, and writes them to ``resources.yaml``. FINN's engines keep their coefficients, which were set by hand.
"""
from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from build_flows import resources, rom_resources
from build_flows.resources import NO_LANES, Folding
from build_flows.rom_resources import FEATURES

# Layer sizes; bits of weights and activations (the input has 8); (PE, SIMD) of every layer.
Design = tuple[tuple[int, ...], int, tuple[tuple[int, int], ...]]

_LARGE, _SMALL = (8, 64, 64, 4), (8, 16, 16, 4)
FITTED: tuple[Design, ...] = (
    *((_LARGE, bits, ((4, 8), (4, 8), (4, 8))) for bits in (2, 4, 6, 8)), (_LARGE, 4, ((1, 1), (1, 1), (1, 1))),
    (_LARGE, 3, ((2, 8), (2, 16), (1, 8))), (_LARGE, 4, ((16, 4), (16, 4), (2, 64))),
    *((_SMALL, bits, ((16, 8), (16, 16), (4, 16))) for bits in (2, 3, 4)), (_SMALL, 4, ((4, 8), (8, 16), (4, 4))),
    (_SMALL, 6, ((4, 8), (4, 8), (2, 8))), ((12, 24, 18, 5), 4, ((4, 6), (6, 6), (5, 9))))
HELD_OUT: tuple[Design, ...] = (
    (_LARGE, 3, ((4, 8), (4, 8), (4, 8))), ((8, 32, 32, 4), 4, ((16, 8), (32, 16), (4, 32))),
    ((8, 64, 64, 4), 5, ((8, 8), (8, 32), (4, 8))), ((6, 48, 24, 3), 8, ((2, 6), (6, 6), (3, 4))))
# What the structure says, where synthesis has not been asked: one look-up table each, but for these. How much it is
# trusted, as against a layer's relative error; memory is exact.
_EXPECTED = {"unit": 15.0, "counter bits": 2.0, "row additions x index bits": 0.05, "converter": 2.5}
_TRUST = np.array([1e3 if name == "memory" else 0.1 for name in FEATURES])


@dataclasses.dataclass(frozen=True)
class Row:
    """A layer: where, what is counted of it, and its LUTs and flip-flops after synthesis."""

    name: str
    counts: dict[str, float]
    lut: float
    ff: float


def measure(design: Design) -> list[Row]:
    """Synthesise a design, with biases as training leaves them: its layers, width converters with the layer behind."""
    from build_flows import lowering, nodes, subject
    from build_flows.finn_session import finn_session
    from hw.boards import board
    from hw.stitch import stitch
    from hw.synthesis import synthesise
    from models.bits import Bits

    dims, bits, folding = design
    chip, layers = board("pynq-z2"), [Folding(*f) for f in folding]
    with tempfile.TemporaryDirectory(prefix="quarl-calibrate-") as scratch:
        folder = Path(scratch)
        what = subject.random(dims, Bits(bits, bits, 8), 0, folder / "policy", 10)
        with finn_session(folder / "finn"):
            lowered = lowering.lower(what.policy, what.onnx, layers, chip, folder / "finn", "rom")
            stitch(nodes.describe(lowered.rtl), folder / "rtl")
        measured = synthesise(folder / "rtl", "accel", "rom", chip)["layers"]
    found: list[dict[str, float]] = [{"lut": 0.0, "ff": 0.0}]
    for node in lowered.rtl.graph.node:
        for kind in found[-1]:
            found[-1][kind] += measured[node.name][kind]
        if node.op_type == "MVTU_rtl":
            found.append({"lut": 0.0, "ff": 0.0})
    lanes = (NO_LANES, *(layer.pe for layer in layers))
    return [Row("-".join(map(str, dims)) + " W%d, layer %d, PE %d SIMD %d" % (bits, i, fold.pe, fold.simd),
                rom_resources.counts(shape, fold, lanes[i] or fold.simd), found[i]["lut"], found[i]["ff"])
            for i, (shape, fold) in enumerate(zip(resources.shapes(what.policy), layers, strict=True))]


def fit(rows: Sequence[Row]) -> dict[str, float]:
    """The coefficients with the least squared relative errors, drawn towards what the structure says."""
    expected = np.array([_EXPECTED.get(name, 1.0) for name in FEATURES])
    shares = np.array([[row.counts.get(name, 0) / row.lut for name in FEATURES] for row in rows]) * expected
    found, *_ = np.linalg.lstsq(np.vstack([shares, np.diag(_TRUST)]), np.append(np.ones(len(rows)), _TRUST), rcond=None)
    return {name: round(float(value), 3) for name, value in zip(FEATURES, expected * found, strict=True)}


def show(title: str, rows: Sequence[Row], coefficients: dict[str, float]) -> None:
    """Print measured and predicted figures."""
    from build_flows.console import say, table

    predicted = np.array([sum(cost * row.counts.get(name, 0) for name, cost in coefficients.items()) for row in rows])
    measured = np.array([row.lut for row in rows])
    table(title, ("layer", "LUT", "predicted", "%", "FF", "predicted", "%"), [
        (row.name, "%d" % row.lut, "%d" % lut, "%+.1f" % (100 * (lut / row.lut - 1)), "%d" % row.ff,
         "%d" % row.counts["flip-flops"], "%+.1f" % (100 * (row.counts["flip-flops"] / row.ff - 1)))
        for row, lut in zip(rows, predicted, strict=True)])
    say("LUTs of a layer: mean error %.1f %%, largest %.1f %%; of all of them together %+.1f %%"
        % (100 * np.abs(predicted / measured - 1).mean(), 100 * np.abs(predicted / measured - 1).max(),
           100 * (predicted.sum() / measured.sum() - 1)))


def main() -> None:
    """Measure, fit, print the errors, write ``resources.yaml``."""
    import yaml

    from build_flows.console import stage

    measured: dict[Design, list[Row]] = {}
    for design in (*FITTED, *HELD_OUT):
        with stage("%s at %d bits, (PE, SIMD) %s" % ("-".join(map(str, design[0])), design[1],
                                                      " ".join("%d,%d" % fold for fold in design[2]))):
            measured[design] = measure(design)
    fitted = [row for design in FITTED for row in measured[design]]
    coefficients = fit(fitted)
    show("Fitted", fitted, coefficients)
    for design in HELD_OUT:
        show("Held out", measured[design], coefficients)
    path = Path(resources.__file__).with_name("resources.yaml")
    table: dict[str, Any] = yaml.safe_load(path.read_text())
    table["lut"]["rom"] = coefficients
    path.write_text("# LUTs per unit of what build_flows/resources.py counts. Engine rom: fitted to Yosys' figures by\n"
                    "# `python -m build_flows.calibrate`. FINN's engines: set by hand.\n"
                    + yaml.safe_dump(table, sort_keys=False))


if __name__ == "__main__":
    main()
