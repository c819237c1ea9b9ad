"""The whole chain for CartPole at 4 bits: train, export, build, run on the emulated RTL, report.

  quarl demo

Takes about two minutes on two cores. Repeat it to continue after an interruption.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from build_flows.cli import build as build_command
from build_flows.cli import run as run_command
from host.errors import UserError

HELP = "train, build, verify and run a 4-bit CartPole policy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl demo``."""
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="the run folder (default runs/demo)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    parser.add_argument("--episodes", type=int, default=20, help="episodes on the emulated RTL (default 20)")
    build_command.add_options(parser, target="synth")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Do each step, and say where to look."""
    from build_flows import subject
    from build_flows.closed_loop import play
    from build_flows.console import say, stage
    from build_flows.export import ensure_package
    from build_flows.flow import build, check_tools
    from build_flows.report import write_report
    from host.settings import Settings
    from models.bits import Bits
    from models.train import TrainConfig, train

    if args.episodes < 1:
        raise UserError("the number of episodes must be at least 1", args.episodes, "pass --episodes 20")
    options = build_command.options_of(args)
    check_tools(options, args.out)
    say("train CartPole-v1, W4 A4 I8")
    trained = train(TrainConfig("CartPole-v1", args.out, bits=Bits(4, 4, 8), seed=args.seed))
    with stage("export the policy package"):
        ensure_package(args.out)
    with stage("collect observations"):
        what = subject.of_run(args.out)
    built = build(what, options, args.out / "accel")
    build_command.show(built)
    summary, log = play(args.out, "emulator", Settings(args.episodes, args.seed))
    run_command.show(summary)
    report = write_report(args.out)
    say("policy package  %s" % (args.out / "policy"))
    say("RTL, reports    %s" % (args.out / "accel"))
    say(f"run log         {log}")
    say(f"report          {report}   (open it in a browser)")
    return {"run": str(args.out), "train": trained, **built, "closed_loop": summary, "report": str(report)}
