"""Play episodes: the environment against the policy on a device, timed and logged at every step.

  quarl run runs/x --device emulator --episodes 10

Device `emulator` is the accelerator's RTL behind its registers, cycle by cycle; `integer` is the reference in numpy.
Every step and episode goes to RUN/run/DEVICE.jsonl, with the time spent on encode, device, decode and environment.
"""
from __future__ import annotations

import argparse
from typing import Any

from build_flows.cli.arguments import add_run, run_folder

HELP = "run the policy on a device in the closed loop"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl run``."""
    add_run(parser)
    parser.add_argument("--device", default="emulator", help="emulator (default) or integer")
    parser.add_argument("--episodes", type=int, default=10, help="number of episodes (default 10)")
    parser.add_argument("--seed", type=int, default=0, help="which fresh episodes (default 0)")
    parser.add_argument("--max-steps", type=int, help="end an episode after so many steps")
    parser.add_argument("--task", help="another Gymnasium environment with the same spaces")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run, and print the summary."""
    from build_flows.closed_loop import play
    from build_flows.console import say

    folder = run_folder(args)
    summary, log = play(folder, args.device, args.episodes, args.seed, args.max_steps, args.task)
    show(summary)
    say(f"log: {log}")
    return {"run": str(folder), "log": str(log), **summary}


def show(summary: dict[str, Any]) -> None:
    """The closing table."""
    from build_flows.console import table

    rows = [("return", "%.1f ± %.1f (%d episodes, %d steps)" % (
                summary["return_mean"], summary["return_std"], summary["episodes"], summary["steps"])),
            ("steps per second", "{:.0f}".format(summary["steps_per_s"]))]
    for name, values in summary["latency_us"].items():
        rows.append(("%s, us" % ("encode + device + decode" if name == "policy" else name),
                     "p50 {:.1f}   p90 {:.1f}   p99 {:.1f}".format(values["p50"], values["p90"], values["p99"])))
    if "fpga_us" in summary:
        rows.append(("FPGA latency", "{:g} cycles, {:.2f} us at {:g} MHz".format(
            summary["fpga_cycles"]["p50"], summary["fpga_us"], summary["clock_mhz"])))
    if summary["resources"]:
        rows.append(("resources", "   ".join("{} {:g}".format(name.upper(), summary["resources"][name])
                                             for name in ("lut", "ff", "dsp", "bram36"))))
    table("{} on {}".format(summary["task"], summary["device"]), ("", ""), rows)
