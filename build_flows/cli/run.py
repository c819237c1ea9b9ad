"""Play episodes: the environment against the policy on a device, timed and logged at every step.

  quarl run runs/x                                           ten episodes on the emulated RTL, cycle by cycle
  quarl run runs/x --device integer --envs 8                 on the processor, in C, eight environments at a time
  quarl run runs/x --device tcp://board:5555 --keys keys     a board behind `quarl serve`, the environment here
  quarl run runs/x --hz 1000 --episodes 3                    1000 steps a second: how many were late, and by how much
  quarl run runs/x --shadow 0.01                             1 % of the steps is computed again by the reference
  quarl run runs/x --video films                             the first three episodes as mp4
  quarl run runs/x --episodes 1000 --resume                  go on with a run that was cut off

Every step and episode goes to RUN/run/DEVICE.jsonl, with the time spent on encode, device, decode, environment and
network; RUN/run/DEVICE.csv has a row for each episode. Those of the runs before are kept, as DEVICE-1, DEVICE-2 and so
on. Ctrl-C keeps the whole episodes: --resume goes on with the next. Each run plays the same fresh
episodes, which training never saw; --seed names others.
"""
from __future__ import annotations

import argparse
from typing import Any

from quarl.build_flows.cli.arguments import add_run, run_folder
from quarl.host.commands.run import HELP as HELP
from quarl.host.commands.run import add_options, closing, settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl run``."""
    add_run(parser)
    logs = add_options(parser, "emulator")
    logs.add_argument("--tensorboard", action="store_true", help="also write RUN/run/tensorboard")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run, and print the summary."""
    from quarl.build_flows.console import say
    from quarl.build_flows.deploy.closed_loop import play

    folder = run_folder(args)
    summary, log = play(folder, args.device, settings_of(args), args.keys, args.log_max_mb, args.tensorboard)
    show(summary)
    say(f"log: {log}")
    return {"run": str(folder), "log": str(log), **summary}


def show(summary: dict[str, Any]) -> None:
    """The closing table."""
    from quarl.build_flows.console import table

    title, rows = closing(summary)
    table(title, ("", ""), rows)
