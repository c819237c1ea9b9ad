"""Write a trained run's policy package: integer weights, thresholds found by evaluation, QONNX, hashes.

  quarl export runs/x
"""
from __future__ import annotations

import argparse
from typing import Any

from quarl.build_flows.cli.arguments import add_run, run_folder

HELP = "write the policy package of a trained run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl export``."""
    add_run(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Export, and name the package."""
    from quarl.build_flows.building.ensure_package import ensure_package
    from quarl.build_flows.console import say

    folder = run_folder(args)
    policy = ensure_package(folder, renew=True)
    say("policy {}… in {}".format(policy.hash[:12], folder / "policy"))
    return {"package": str(folder / "policy"), "hash": policy.hash}
