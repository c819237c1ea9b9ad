"""Bring the results of a build kit back into the run that the kit was made of: the same checks as of a bitstream that
was built here. What fails one is not taken.

  quarl build runs/x --target bitstream --script-only     # makes runs/x/vivado; then, on a machine with Vivado:
  ./build.sh                                              # leaves results/ in the kit
  quarl import-bitstream runs/x results
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from quarl.build_flows.cli.arguments import add_run, run_folder

HELP = "take the results of a build kit, after the checks that every bitstream must pass"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl import-bitstream``."""
    add_run(parser)
    parser.add_argument("results", metavar="FOLDER", type=Path, help="the kit, or its folder results")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Check, take, and print what Vivado made of the design."""
    from quarl.build_flows.bitstream import results

    folder = run_folder(args)
    result = results.take(args.results, folder / "accel")
    show(result)
    return {"run": str(folder), **result}


def show(result: dict[str, Any]) -> None:
    """Slacks, and Vivado's resources beside Yosys' figures."""
    from quarl.build_flows.console import say, table

    found, kinds = result["bitstream"], ("lut", "ff", "dsp", "bram36")
    base = result["accel"]["base_address"]
    say("Vivado %s, %s, slack at %g MHz: %s"
        % (found["vivado"], "FINN's DMA shell: run it with --device finn-dma" if base is None else
           "base address 0x%08x" % base, result["accel"]["clock_mhz"],
           ", ".join("%s %g ns" % each for each in found["slack_ns"].items())))
    rows = [(name, *(_beside(counts[kind]) for kind in kinds)) for name, counts in found["compared"].items()]
    rows.append(("with the shell around it", *("%g (%.1f %%)" % (found["total"][kind], found["percent"][kind])
                                               for kind in kinds)))
    table("Resources after routing (Yosys, its error)", ("", *(kind.upper() for kind in kinds)), rows)


def _beside(count: dict[str, float | None]) -> str:
    error = count["error_percent"]
    return f"{count['vivado']:g} ({count['yosys']:g}" + (")" if error is None else f", {error:+.0f} %)")
