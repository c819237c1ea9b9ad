"""Fit the LUT model of ``resources.yaml`` to Yosys' figures: ``python -m build_flows.calibrate [--jobs 2]``.

Synthesises random networks over bits, shapes and foldings with both engines (minutes each the first time, cached),
fits non-negative coefficients that minimise the relative error of every layer, and prints how well they hold on
networks that were left out of the fit.
"""
from __future__ import annotations

import argparse
import itertools
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from build_flows import resources
from build_flows.resources import Folding

Design = tuple[tuple[int, ...], int, tuple[tuple[int, int], ...], str]
"""Layer sizes, bits of weights and activations (the input has 8), (PE, SIMD) of every layer, engine."""

Net = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]

_NETS: tuple[Net, ...] = (
    ((8, 64, 64, 4), ((4, 8), (4, 8), (4, 8))), ((8, 64, 64, 4), ((16, 8), (16, 16), (4, 16))),
    ((8, 64, 64, 4), ((2, 8), (2, 32), (4, 1))), ((5, 17, 3), ((17, 5), (3, 17))))
_OTHER: Net = ((8, 64, 64, 4), ((8, 4), (8, 8), (2, 8)))


def designs() -> tuple[list[Design], list[Design]]:
    """The designs that make the fit, at 2, 4 and 8 bits, and those that check it: other bits and another folding."""
    def over(nets: tuple[Net, ...], bits: tuple[int, ...]) -> list[Design]:
        return [(dims, width, folding, engine)
                for width, engine, (dims, folding) in itertools.product(bits, resources.ENGINES, nets)]
    # At 8 bits one folding is enough: the wider ones take Yosys many minutes and never fit.
    return over(_NETS, (2, 4)) + over(_NETS[:1], (8,)), over((_OTHER,), (3,))


def measure(design: Design) -> list[tuple[np.ndarray, float]]:
    """Per layer: features, and LUTs of its matrix-vector unit, thresholds, FIFOs and width converters."""
    from build_flows import lowering, nodes, subject
    from build_flows.finn_session import finn_session
    from hw.boards import board
    from hw.engines import ENGINES
    from hw.stitch import stitch
    from hw.synthesis import synthesise
    from models.bits import Bits

    dims, bits, folding, engine = design
    chip, layers = board("pynq-z2"), [Folding(*f) for f in folding]
    with tempfile.TemporaryDirectory(prefix="quarl-calibrate-") as scratch:
        folder = Path(scratch)
        what = subject.random(dims, Bits(bits, bits, 8), 0, folder / "policy", 10)
        with finn_session(folder / "finn"):
            lowered = lowering.lower(what.policy, what.onnx, layers, chip, folder / "finn")
            stitch(nodes.describe(lowered.rtl), folder / "rtl", replace=ENGINES[engine])
        counted = synthesise(folder / "rtl", "accel", engine, chip)["layers"]
    order = [node.name for node in lowered.rtl.graph.node]
    luts, layer = np.zeros(len(layers)), 0
    for name in order:
        if name.startswith("MVAU_rtl"):
            layer = int(name.rpartition("_")[2])
        luts[layer] += counted[name]["lut"]
    return [(resources.features(shape, fold), float(lut))
            for shape, fold, lut in zip(resources.shapes(what.policy), layers, luts, strict=True)]


def fit(rows: list[tuple[np.ndarray, float]]) -> np.ndarray:
    """Non-negative coefficients with the least squared relative error."""
    from scipy.optimize import nnls
    scaled = np.array([features / lut for features, lut in rows])
    return np.asarray(nnls(scaled, np.ones(len(rows)))[0])


def errors(rows: list[tuple[np.ndarray, float]], coefficients: np.ndarray) -> np.ndarray:
    """Relative errors of the model, float64 [N]."""
    return np.array([features @ coefficients / lut - 1 for features, lut in rows])


def main() -> None:
    """Measure, fit, write ``resources.yaml``, print the errors."""
    import yaml
    from rich.progress import track

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="designs measured at a time (default 2)")
    fitted, checked = designs()
    every = fitted + checked
    with ProcessPoolExecutor(parser.parse_args().jobs) as pool:
        measured = list(track(pool.map(measure, every), "synthesising", total=len(every)))
    path = Path(resources.__file__).with_name("resources.yaml")
    table: dict[str, Any] = yaml.safe_load(path.read_text())
    for engine in resources.ENGINES:
        made = [row for design, rows in zip(fitted, measured, strict=False) if design[3] == engine for row in rows]
        held = [rows for design, rows in zip(checked, measured[len(fitted):], strict=True) if design[3] == engine]
        coefficients = fit(made)
        table["lut"][engine] = {name: round(float(value), 4) for name, value in
                                zip(resources.FEATURES, coefficients, strict=True)}
        off = np.array([sum(f @ coefficients for f, _ in rows) / sum(lut for _, lut in rows) - 1 for rows in held])
        print("%s: %d layers fitted, median error %.1f %%; %d designs held out, errors %s %%"
              % (engine, len(made), 100 * np.median(np.abs(errors(made, coefficients))), len(held),
                 ", ".join("%+.1f" % (100 * e) for e in off)))
    path.write_text("# LUTs per unit of each feature (build_flows/resources.py), fitted to Yosys' figures by\n"
                    "# `python -m build_flows.calibrate`.\n" + yaml.safe_dump(table, sort_keys=False))


if __name__ == "__main__":
    main()
