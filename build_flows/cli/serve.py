"""Serve a run's policy on a device to clients on the network, one at a time.

  quarl keys keys
  quarl serve runs/x --device emulator --bind tcp://127.0.0.1:5555 --keys keys
  quarl run runs/x --device tcp://127.0.0.1:5555 --keys keys

Ctrl-C or SIGTERM lets the step under way finish, tells the client, and ends. Without keys (--insecure) anyone may
connect, so then the server listens on loopback only.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from build_flows.cli.arguments import add_run, run_folder
from host.errors import UserError

HELP = "serve the policy on a device to the network"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl serve``."""
    add_run(parser)
    parser.add_argument("--device", default="emulator", help="emulator (default), integer or pynq")
    parser.add_argument("--bind", default="tcp://127.0.0.1:5555",
                        help="where to listen (default tcp://127.0.0.1:5555; port 0 takes a free one)")
    access = parser.add_mutually_exclusive_group()
    access.add_argument("--keys", metavar="DIR", type=Path, help="the folder of `quarl keys`")
    access.add_argument("--insecure", action="store_true", help="no keys; on loopback only")
    parser.add_argument("--lease", metavar="SECONDS", type=float, default=10.0,
                        help="silence after which another client may have the device (default 10)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Serve until a signal comes."""
    from build_flows.closed_loop import opened
    from build_flows.console import say
    from build_flows.export import ensure_package
    from host.remote.server import serve

    folder = run_folder(args)
    if args.keys is None and not args.insecure:
        raise UserError("a server must have keys", "no --keys",
                        "make them with `quarl keys DIR` and pass --keys DIR, or --insecure on loopback")
    if args.device.startswith("tcp:"):
        raise UserError("a server's device must be on its own machine", args.device, "serve it there")
    counters = serve(ensure_package(folder), opened(folder, args.device), args.bind, args.keys, args.lease, say)
    return {"run": str(folder), "device": args.device, **counters}
