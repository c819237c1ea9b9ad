"""The ``quarl`` command: one thin file a subcommand. Nothing heavy is imported before it is needed."""
from __future__ import annotations

from collections.abc import Sequence

from quarl.host import commands

COMMANDS = ("train", "ptq", "eval", "export", "folding", "build", "import-bitstream", "run", "serve", "keys", "package",
            "report", "study", "search", "demo", "boards", "doctor")
_MODULES = {name: ("quarl.host.commands." if name == "keys" else "quarl.build_flows.cli.") + name.replace("-", "_")
            for name in COMMANDS}

_DESCRIPTION = "Low-bit reinforcement-learning policies, from training to verified hardware."
_EPILOG = """\
A run is a folder. Each command adds to it, and does not repeat what is already done:

  quarl demo                                            all of it for CartPole at 4 bits, in about two minutes
  quarl train --task CartPole-v1 --weight-bits 4 --act-bits 4 --out runs/x
  quarl build runs/x --board pynq-z2 --target synth     policy package, RTL, emulator, parity, resources
  quarl run runs/x --device emulator --episodes 10      the environment against the RTL, cycle by cycle
  quarl report runs/x                                   one page with all of it

`quarl COMMAND --help` explains a command. Errors go to standard error with exit code 2.
"""


def _parser() -> commands.Parser:
    return commands.parser_of(_MODULES, _DESCRIPTION, _EPILOG)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code, as :func:`quarl.host.commands.main`."""
    from quarl.hw.tools.process import stop_all
    return commands.main(_parser, arguments, stop_all)
