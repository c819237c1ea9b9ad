"""Train a policy with Stable-Baselines3, its deployed path quantised by Brevitas, into a run folder.

Repeat the command to continue a run that was interrupted. Example:

  quarl train --task CartPole-v1 --weight-bits 4 --act-bits 4 --input-bits 8 --out runs/x
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

HELP = "train a quantised policy into a run folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl train``."""
    parser.add_argument("--task", required=True, help="Gymnasium environment id, for example CartPole-v1")
    parser.add_argument("--algo", default="ppo", help="algorithm (default ppo)")
    parser.add_argument("--weight-bits", type=int, default=4, help="bits of every weight, 2 to 8 (default 4)")
    parser.add_argument("--act-bits", type=int, default=4, help="bits of hidden activations, 2 to 8 (default 4)")
    parser.add_argument("--input-bits", type=int, default=8, help="bits of the encoded observation, 2 to 8 (default 8)")
    parser.add_argument("--fp32", action="store_true", help="train without quantisation")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    parser.add_argument("--steps", type=int, help="environment steps (default: the preset's)")
    parser.add_argument("--out", type=Path, required=True, help="the run folder, for example runs/x")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Train, and say how it ended."""
    from build_flows.console import say
    from models.bits import Bits
    from models.train import TrainConfig, train

    bits = None if args.fp32 else Bits(args.weight_bits, args.act_bits, args.input_bits)
    result = train(TrainConfig(args.task, args.out, args.algo, bits, args.seed, args.steps))
    say("best mean return %.1f ± %.1f over %d episodes after %d steps; the run is in %s"
        % (result["mean_return"], result["std_return"], result["episodes"], result["timesteps"], args.out))
    return {"run": str(args.out), **result}
