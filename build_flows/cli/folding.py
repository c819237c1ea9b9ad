"""List the foldings of a run that are worth having: none has fewer LUTs and a lower latency than another.

  quarl folding runs/x --compute rom --board pynq-z2 --max-lut-percent 70

From the smallest to the fastest; the last column says which of them `quarl build --fold` takes: min-area, balanced
(the smallest under 100 cycles, or the fastest) or min-latency. `--fold N` takes the first with a latency of N cycles
or less. PE output channels and SIMD inputs of a layer are worked on in every cycle. Latency
counts from the last word of the observation to the action, interval between two actions without pause: both are exact.
LUTs are predicted, bridge included, and some are kept in reserve; synthesis has the last word.
"""
from __future__ import annotations

import argparse
from typing import Any

from quarl.build_flows.cli.arguments import add_design, add_run, run_folder, style_of

HELP = "list the foldings worth having: LUTs against latency"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl folding``."""
    add_run(parser)
    add_design(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Search, and print one line a folding."""
    from quarl.build_flows.building.ensure_package import ensure_package
    from quarl.build_flows.building.options import Options
    from quarl.build_flows.console import stage, table
    from quarl.build_flows.estimate.shape import shapes
    from quarl.build_flows.folding import planning
    from quarl.build_flows.folding.option import FOLDS
    from quarl.hw.boards import board

    folder = run_folder(args)
    options = Options(args.board, args.compute, max_lut_percent=args.max_lut_percent, style=style_of(args))
    chip = board(options.board)
    with stage("search the foldings"):
        plans = planning.frontier(shapes(ensure_package(folder)), options.compute, chip,
                                  options.max_lut_percent, options.style)
    chosen = {fold: planning.pick(plans, fold).layers for fold in FOLDS}
    found: list[dict[str, Any]] = [
        {"lut": round(plan.lut), "lut_percent": round(100 * plan.lut / chip.lut, 1), "dsp": plan.dsp,
         "latency_cycles": plan.latency, "latency_us": plan.latency / chip.clock_mhz,
         "stream_latency_cycles": plan.stream_latency, "interval_cycles": plan.interval,
         "folding": [[layer.pe, layer.simd] for layer in plan.layers],
         "folds": [fold for fold, layers in chosen.items() if layers == plan.layers]} for plan in plans]
    table("Foldings on engine %s within %g %% of %s, at %g MHz"
          % (options.compute, options.max_lut_percent, chip.name, chip.clock_mhz),
          ("PE,SIMD of the layers", "LUT", "%", "DSP", "latency", "us", "interval", "--fold"),
          [("  ".join("%d,%d" % (pe, simd) for pe, simd in each["folding"]), each["lut"], each["lut_percent"],
            each["dsp"], each["latency_cycles"], "%.2f" % each["latency_us"], each["interval_cycles"],
            " ".join(each["folds"])) for each in found])
    return {"run": str(folder), "board": chip.name, "engine": options.compute,
            "max_lut_percent": options.max_lut_percent, "plans": found}
