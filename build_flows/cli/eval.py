"""Play fresh episodes with a trained policy and report the return.

  quarl eval runs/x --episodes 20 --backend integer

All backends play the same episodes, so a quantised policy returns the same in each: the deployed torch actor, the
integer reference, and the emulated RTL of a built run.
"""
from __future__ import annotations

import argparse
from typing import Any

from quarl.build_flows.cli.arguments import add_run, add_time_limit, run_folder

HELP = "evaluate a policy in torch, with the integer reference or on the emulator"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl eval``."""
    add_run(parser)
    parser.add_argument("--episodes", type=int, default=20, help="number of episodes (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="which fresh episodes (default 0)")
    add_time_limit(parser, "that of training")
    parser.add_argument("--backend", choices=("torch", "integer", "emulator"), default="integer",
                        help="torch, integer (default) or emulator")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Evaluate, and print mean and deviation."""
    from quarl.build_flows.api.playing import evaluate
    from quarl.build_flows.console import say

    returns = evaluate(run_folder(args), args.backend, episodes=args.episodes, seed=args.seed,
                       max_episode_steps=args.max_episode_steps)
    say("return %.1f ± %.1f over %d episodes (%s)" % (returns.mean(), returns.std(), len(returns), args.backend))
    return {"backend": args.backend, "episodes": len(returns), "return_mean": float(returns.mean()),
            "return_std": float(returns.std()), "returns": returns.tolist()}
