"""Write RUN/report.html: one page with everything known of the run, readable without a network.

  quarl report runs/x
"""
from __future__ import annotations

import argparse
from typing import Any

from quarl.build_flows.cli.arguments import add_run, run_folder

HELP = "write a run's report as one self-contained page"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl report``."""
    add_run(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Write the page, and say where it is."""
    from quarl.build_flows.console import say
    from quarl.build_flows.report import write_report

    path = write_report(run_folder(args))
    say(f"report: {path}")
    return {"report": str(path)}
