"""Quantise a trained fp32 run without more training, into a run folder of its own.

Afterwards, eval, export, build, run and report work as for a run that was trained with so few bits. Examples:

  quarl train --task CartPole-v1 --fp32 --out runs/float
  quarl ptq runs/float --weight-bits 4 --act-bits 4 --input-bits 8 --out runs/y
  quarl ptq runs/float --weight-bits 3 --act-bits 3 --per-channel --method percentile --percentile 99.5 --out runs/z
  quarl ptq runs/float --fp16 --out runs/half

An fp16 run can be played, with `quarl eval --backend torch`, but not be exported: it has no integers.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from quarl.build_flows.cli.arguments import add_bits, add_run, run_folder

HELP = "quantise a trained fp32 run without more training"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl ptq``."""
    add_run(parser)
    add_bits(parser, 8)
    parser.add_argument("--fp16", action="store_true", help="float16 instead of integers")
    parser.add_argument("--method", default="max", help="ranges end at their max or at a percentile (default max)")
    parser.add_argument("--percentile", type=float, default=99.9, help="for --method percentile (default 99.9)")
    parser.add_argument("--out", type=Path, required=True, help="the new run folder, for example runs/y")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Quantise, and say what it costs."""
    from quarl.build_flows.console import say
    from quarl.models.actors.bits import Bits

    # Both are checked before torch is imported, which takes seconds.
    bits = None if args.fp16 else Bits(args.weight_bits, args.act_bits, args.input_bits, args.per_channel)
    folder = run_folder(args)
    from quarl.models.ptq.quantise import PtqConfig, ptq
    result = ptq(PtqConfig(folder, args.out, bits, args.method, args.percentile))
    say("mean return %.1f ± %.1f over %d episodes at %s; in fp32, %.1f" % (
        result["mean_return"], result["std_return"], result["episodes"], bits or "fp16", result["source_mean_return"]))
    say("acts as in fp32 on %.1f %% of observations; the run is in %s" % (100 * result["agreement"], args.out))
    return {"run": str(args.out), **result}
