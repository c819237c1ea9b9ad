"""Check what this machine has: every missing tool with the line that installs it."""
from __future__ import annotations

import argparse
from typing import Any

from host.errors import ToolError

HELP = "check the machine for missing tools"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``quarl doctor`` takes none."""


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Print one line a flow. Raises the first ``ToolError`` after all lines."""
    from build_flows.artefacts import versions
    from build_flows.console import say
    from hw.cache import cache_folder
    from hw.prerequisites import require

    problems: list[ToolError] = []
    for flow in ("emulate", "synthesise"):
        try:
            require(flow)
            say("%-12s ready" % flow)
        except ToolError as error:
            say("%-12s %s" % (flow, error))
            problems.append(error)
    for name, version in versions().items():
        say("%-12s %s" % (name, version))
    say("%-12s %s" % ("cache", cache_folder("", "")))
    if problems:
        raise problems[0]
    return {"ready": True, "versions": versions()}
