"""``python3 -m quarl.host``: the commands on the board."""
from __future__ import annotations

import sys
from typing import Optional, Sequence

from quarl.host import commands

COMMANDS = {name: "quarl.host.commands." + name for name in ("run", "serve", "keys", "doctor")}

_EPILOG = "`quarl COMMAND --help` explains a command. Errors go to standard error with exit code 2."


def _parser() -> commands.Parser:
    return commands.parser_of(COMMANDS, "A low-bit policy on this board's accelerator.", _EPILOG)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command. Returns the exit code, as :func:`quarl.host.commands.main`."""
    return commands.main(_parser, arguments)


if __name__ == "__main__":
    sys.exit(main())
