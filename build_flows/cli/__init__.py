"""The ``quarl`` command: one thin file a subcommand. Nothing heavy is imported before it is needed."""
from __future__ import annotations

import argparse
import errno
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from host.errors import ToolError, UserError

COMMANDS = ("train", "ptq", "eval", "export", "folding", "build", "run", "serve", "keys", "report", "study", "demo",
            "boards", "doctor")

_EPILOG = """\
A run is a folder. Each command adds to it, and does not repeat what is already done:

  quarl demo                                            all of it for CartPole at 4 bits, in about two minutes
  quarl train --task CartPole-v1 --weight-bits 4 --act-bits 4 --out runs/x
  quarl build runs/x --board pynq-z2 --target synth     policy package, RTL, emulator, parity, resources
  quarl run runs/x --device emulator --episodes 10      the environment against the RTL, cycle by cycle
  quarl report runs/x                                   one page with all of it

`quarl COMMAND --help` explains a command. Errors go to standard error with exit code 2.
"""


class _Parser(argparse.ArgumentParser):
    """Errors in the house form instead of argparse's."""

    def error(self, message: str) -> NoReturn:
        raise UserError("the command line must be valid", message, f"see `{self.prog} --help`")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="quarl", epilog=_EPILOG,
                     description="Low-bit reinforcement-learning policies, from training to verified hardware.",
                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for name in COMMANDS:
        module = importlib.import_module("build_flows.cli." + name)
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print the result as JSON, as the last line")
        command.set_defaults(run=module.run)
    return parser


def _interrupt(number: int, frame: object) -> NoReturn:
    """End child processes at once; staged folders vanish as the exception passes, undisturbed by another signal."""
    from hw.process import stop_all
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    stop_all()
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0, 1 for an internal error, 2 for the user's, 130 for Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        args = _parser().parse_args(arguments)
        result = args.run(args)
        if args.json:
            from build_flows.console import print_json
            print_json(result)
        return 0
    except (UserError, ToolError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing half-written was kept; repeat the command to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            from host.files import cannot_write
            print(f"error: {cannot_write(error.filename or 'an unnamed file', error)}", file=sys.stderr)
            return 2
        from host.errors import MismatchError
        if isinstance(error, MismatchError):
            print(f"error: {error}", file=sys.stderr)
            return 1
        import traceback
        traceback.print_exc()
        print(f"error: a fault in quarl itself, found {type(error).__name__}: {error}. Fix: report the lines above",
              file=sys.stderr)
        return 1
