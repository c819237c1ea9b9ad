"""Make the keys with which a server and its clients know each other (CURVE).

  quarl keys keys

makes a pair for the server and one for a client. Both sides take the folder with --keys. On two machines the server
needs server.secret and clients/, and the client needs client.secret and server.public. A further client makes its own
keys; its clients/client.public goes into the server's clients/ under another name. Nothing is ever overwritten.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Dict

from quarl.host.console import say

HELP = "make key pairs for quarl serve and its clients"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl keys``."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="the folder of the keys")


def run(args: argparse.Namespace) -> Dict[str, Any]:
    """Make what is missing, and name it."""
    from quarl.host.remote import keys

    made = keys.create(args.folder)
    for path in made:
        say("new  %s" % path)
    if not made:
        say("all keys are there already: %s" % args.folder)
    return {"folder": str(args.folder), "new": [str(path) for path in made]}
