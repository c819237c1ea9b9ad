"""Train a policy with Stable-Baselines3, its deployed path quantised by Brevitas, into a run folder.

Repeat the command to continue a run that was interrupted: the result is the same, bit for bit. Examples:

  quarl train --task CartPole-v1 --weight-bits 4 --act-bits 4 --input-bits 8 --out runs/x
  quarl train --task Pendulum-v1 --algo sac --weight-bits 3 --act-bits 3 --per-channel --out runs/p
  quarl train --task CartPole-v1 --weight-bits 8,3,8 --act-bits 4,3 --out runs/m      (first layer, core, last layer)
  quarl train --task CartPole-v1 --fp32 --out runs/float
  quarl train --task CartPole-v1 --init runs/float --weight-bits 2 --act-bits 2 --steps 50000 --out runs/tuned
  quarl train --task MyTask-v0 --steps 500000 --set net_arch=[32,32] --set learning_rate=0.001 --out runs/mine
  quarl train --task maze:Maze-v0 --env-kwargs size=8 --max-episode-steps 200 --steps 100000 --out runs/maze

Algorithms: ppo, a2c (any actions), dqn (discrete), ddpg, td3, sac (continuous). Settings per algorithm and task come
from models/tasks/presets; --set changes them, and gives them for a task without a preset. --help-settings explains
them all. maze:Maze-v0 is Maze-v0 that the module maze registers, installed or in the working folder. What the
environment is made with stays with the policy.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

from quarl.build_flows.cli.arguments import add_bits, add_environment, environment_of, pairs

HELP = "train a quantised policy into a run folder"


class _HelpSettings(argparse.Action):
    """Print the table of settings and end, as ``--help`` does."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> NoReturn:
        from quarl.build_flows.console import table
        from quarl.models.tasks.settings_schema import SETTINGS
        table("Settings of a training, --set NAME=VALUE", ("name", "algorithms", "value", "meaning"),
              [(each.name, " ".join(each.algos), each.values, each.meaning) for each in SETTINGS], left=4)
        parser.exit()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl train``."""
    parser.add_argument("--task", required=True, help="Gymnasium environment id, for example CartPole-v1")
    parser.add_argument("--algo", default="ppo", help="ppo, a2c, dqn, ddpg, td3 or sac (default ppo)")
    add_environment(parser)
    add_bits(parser, 4)
    parser.add_argument("--fp32", action="store_true", help="train without quantisation")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    parser.add_argument("--steps", type=int, help="environment steps (default: the preset's)")
    parser.add_argument("--delay", type=int, default=0, metavar="STEPS", help="train so long in fp32 first (default 0)")
    parser.add_argument("--init", type=Path, metavar="RUN", help="start from this fp32 run")
    parser.add_argument("--precision", default="fp32", help="of training: fp32, bf16 or fp16 (on a GPU; default fp32)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"),
                        help="auto takes a GPU where there is one (default auto)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a preset's setting")
    parser.add_argument("--help-settings", action=_HelpSettings, nargs=0,
                        help="show every setting's values and meaning, and exit")
    parser.add_argument("--out", type=Path, required=True, help="the run folder, for example runs/x")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Train, and say how it ended."""
    from quarl.build_flows.console import say
    from quarl.models.actors.bits import Bits
    from quarl.models.tasks.presets import check_algorithm

    # What is soon checked is checked before torch is imported, which takes seconds.
    bits = None if args.fp32 else Bits(args.weight_bits, args.act_bits, args.input_bits, args.per_channel)
    settings = pairs("--set", args.set, "learning_rate=0.001")
    check_algorithm(args.algo)
    from quarl.models.training.train import TrainConfig, train
    result = train(TrainConfig(args.task, args.out, args.algo, bits, args.seed, args.steps, args.precision, args.delay,
                               args.init, args.device, settings=settings, environment=environment_of(args)))
    say("best mean return %.1f ± %.1f over %d episodes after %d steps; the run is in %s"
        % (result["mean_return"], result["std_return"], result["episodes"], result["timesteps"], args.out))
    return {"run": str(args.out), **result}

