"""Serve the policy on the board's accelerator to clients on the network, one at a time.

  quarl keys keys
  quarl serve --bind tcp://0.0.0.0:5555 --keys keys

and on a workstation, with its keys: quarl run runs/x --device tcp://BOARD:5555 --keys keys

Ctrl-C or SIGTERM lets the step under way finish, tells the client, and ends. Without keys (--insecure) anyone may
connect, so then the server listens on loopback only.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict

from quarl.host.commands.folder import add_folder, read_folder
from quarl.host.console import say
from quarl.host.errors import UserError

if TYPE_CHECKING:
    from quarl.host.devices.interface import Device
    from quarl.host.policy import Policy

HELP = "serve the policy on a device to the network"


def add_options(parser: argparse.ArgumentParser, device: str) -> None:
    """All but the folder; ``device`` is the default."""
    parser.add_argument("--device", default=device, help="emulator, integer, pynq or finn-dma (default %s)" % device)
    parser.add_argument("--bind", default="tcp://127.0.0.1:5555",
                        help="where to listen (default tcp://127.0.0.1:5555; port 0 takes a free one)")
    access = parser.add_mutually_exclusive_group()
    access.add_argument("--keys", metavar="DIR", type=Path, help="the folder of `quarl keys`")
    access.add_argument("--insecure", action="store_true", help="no keys; on loopback only")
    parser.add_argument("--lease", metavar="SECONDS", type=float, default=10.0,
                        help="silence after which another client may have the device (default 10)")


def serve(args: argparse.Namespace, policy: Callable[[], Policy], device: Callable[[], Device]) -> Dict[str, Any]:
    """Serve ``policy()`` on ``device()`` until a signal comes. Raises ``UserError``, and what the server raises."""
    from quarl.host.remote import server

    if args.keys is None and not args.insecure:
        raise UserError("a server must have keys", "no --keys",
                        "make them with `quarl keys DIR` and pass --keys DIR, or --insecure on loopback")
    if args.device.startswith("tcp:"):
        raise UserError("a server's device must be on its own machine", args.device, "serve it there")
    counters = server.serve(policy(), device(), args.bind, args.keys, args.lease, say)
    return dict(run=str(args.folder), device=args.device, **counters)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments on the board."""
    add_folder(parser)
    add_options(parser, "pynq")


def run(args: argparse.Namespace) -> Dict[str, Any]:
    """Serve until a signal comes."""
    from quarl.host import connect

    policy, accel = read_folder(args)
    return serve(args, lambda: policy, lambda: connect.create(args.device, policy, accel))
