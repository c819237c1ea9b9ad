"""Serve a run's policy on a device to clients on the network, one at a time.

  quarl keys keys
  quarl serve runs/x --device emulator --bind tcp://127.0.0.1:5555 --keys keys
  quarl run runs/x --device tcp://127.0.0.1:5555 --keys keys

Ctrl-C or SIGTERM lets the step under way finish, tells the client, and ends. Without keys (--insecure) anyone may
connect, so then the server listens on loopback only.
"""
from __future__ import annotations

import argparse
from typing import Any

from quarl.build_flows.cli.arguments import add_run, run_folder
from quarl.host.commands.serve import HELP as HELP
from quarl.host.commands.serve import add_options, serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl serve``."""
    add_run(parser)
    add_options(parser, "emulator")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Serve until a signal comes."""
    from quarl.build_flows.building.ensure_package import ensure_package
    from quarl.build_flows.deploy.closed_loop import opened

    folder = run_folder(args)
    return serve(args, lambda: ensure_package(folder), lambda: opened(folder, args.device))
