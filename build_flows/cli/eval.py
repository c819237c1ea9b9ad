"""Play fresh episodes with a trained policy and report the return.

  quarl eval runs/x --episodes 20 --backend integer
"""
from __future__ import annotations

import argparse
from typing import Any

from build_flows.cli.arguments import add_run, run_folder

HELP = "evaluate a policy in torch or with the integer reference"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl eval``."""
    add_run(parser)
    parser.add_argument("--episodes", type=int, default=20, help="number of episodes (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="which fresh episodes (default 0)")
    parser.add_argument("--backend", choices=("torch", "integer"), default="integer",
                        help="the deployed torch actor, or the integer reference (default)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Evaluate, and print mean and deviation."""
    from build_flows.console import say
    from models.evaluate import evaluate

    returns = evaluate(run_folder(args), args.episodes, args.seed, args.backend)
    say("return %.1f ± %.1f over %d episodes (%s)" % (returns.mean(), returns.std(), len(returns), args.backend))
    return {"backend": args.backend, "episodes": len(returns), "return_mean": float(returns.mean()),
            "return_std": float(returns.std()), "returns": returns.tolist()}
