"""The whole chain for CartPole at 4 bits: train, export, build, run on the emulated RTL, report.

  quarl demo

Takes about two minutes on two cores. Repeat it to continue after an interruption.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from quarl.build_flows.cli import build_arguments, build_tables
from quarl.build_flows.cli import run as run_command
from quarl.host.errors import UserError

HELP = "train, build, verify and run a 4-bit CartPole policy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl demo``."""
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="the run folder (default runs/demo)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    parser.add_argument("--episodes", type=int, default=20, help="episodes on the emulated RTL (default 20)")
    build_arguments.add_options(parser, target="synth")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Do each step, and say where to look."""
    from quarl.build_flows.building import subject
    from quarl.build_flows.building.ensure_package import ensure_package
    from quarl.build_flows.building.flow import build, check_tools
    from quarl.build_flows.console import say, stage
    from quarl.build_flows.deploy.closed_loop import play
    from quarl.build_flows.report import write_report
    from quarl.host.loop.settings import Settings
    from quarl.models.actors.bits import Bits
    from quarl.models.training.train import TrainConfig, train

    if args.episodes < 1:
        raise UserError("the number of episodes must be at least 1", args.episodes, "pass --episodes 20")
    options = build_arguments.options_of(args, args.target, args.out)
    check_tools(options, args.out)
    say("train CartPole-v1, W4 A4 I8")
    trained = train(TrainConfig("CartPole-v1", args.out, bits=Bits(4, 4, 8), seed=args.seed))
    with stage("export the policy package"):
        ensure_package(args.out)
    with stage("collect observations"):
        what = subject.of_run(args.out)
    built = build(what, options, args.out / "accel")
    build_tables.show(built)
    summary, log = play(args.out, "emulator", Settings(args.episodes, args.seed))
    run_command.show(summary)
    report = write_report(args.out)
    say("policy package  %s" % (args.out / "policy"))
    say("RTL, reports    %s" % (args.out / "accel"))
    say(f"run log         {log}")
    say(f"report          {report}   (open it in a browser)")
    return {"run": str(args.out), "train": trained, **built, "closed_loop": summary, "report": str(report)}
