"""Commands: one module each, with ``HELP``, ``add_arguments`` and ``run``. Nothing heavy is imported at once.

The ones here need nothing but ``host``, and run on the board; ``quarl`` has them too, around a run folder.
"""
from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from typing import Callable, Mapping, NoReturn, Optional, Sequence

from quarl.host.commands.signals import CODE, Signals
from quarl.host.console import print_json, printable
from quarl.host.environments.faults import TRACEBACK
from quarl.host.errors import MismatchError, ToolError, UserError


class Parser(argparse.ArgumentParser):
    """Errors in the house form instead of argparse's."""

    def error(self, message: str) -> NoReturn:
        raise UserError("the command line must be valid", message, "see `%s --help`" % self.prog)


def main(make: Callable[[], Parser], arguments: Optional[Sequence[str]],
         stop: Callable[[], None] = lambda: None) -> int:
    """Run one command of the parser that ``make`` makes; signals call ``stop``, which ends its child processes.

    Returns the exit code: 0, 1 for an internal error or a mismatch, 2 for the user's, 130 for a signal that came,
    whatever else it has led to. With ``arguments`` of a caller, signals are then heeded as before.
    """
    signals = Signals(stop)
    try:
        with printable():
            code = _run(make, arguments)
    except KeyboardInterrupt:
        code = CODE
    finally:            # argparse leaves by SystemExit
        signals.ended = True
        if arguments is not None:
            signals.restore()
    if signals.came or code == CODE:
        print("interrupted: nothing half-written was kept; repeat the command to go on", file=sys.stderr)
        code = CODE
    return code


def _run(make: Callable[[], Parser], arguments: Optional[Sequence[str]]) -> int:
    try:
        args = make().parse_args(arguments)
        result = args.run(args)
        if args.json:
            print_json(result)
        return 0
    except (UserError, ToolError) as error:
        return _failed(error, 2)
    except MismatchError as error:
        return _failed(error, 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            from quarl.host.files import cannot_write
            return _failed(cannot_write(error.filename or "an unnamed file", error), 2)
        import traceback
        traceback.print_exc()
        return _failed("a fault in quarl itself, found %s: %s. Fix: report the lines above" % (
            type(error).__name__, error), 1)


def _failed(error: object, code: int) -> int:
    if isinstance(error, Exception) and os.environ.get(TRACEBACK):
        import traceback
        traceback.print_exception(type(error), error, error.__traceback__)
    print("error: %s" % error, file=sys.stderr)
    return code


def parser_of(modules: Mapping[str, str], description: str, epilog: str) -> Parser:
    """The parser of the commands, which are modules by name."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = Parser(prog="quarl", description=description, epilog=epilog, formatter_class=raw)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name, path in modules.items():
        module = importlib.import_module(path)
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__, formatter_class=raw)
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print the result as JSON, as the last line")
        command.set_defaults(run=module.run)
    return parser
