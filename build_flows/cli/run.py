"""Play episodes: the environment against the policy on a device, timed and logged at every step.

  quarl run runs/x                                           ten episodes on the emulated RTL, cycle by cycle
  quarl run runs/x --device integer --envs 8                 the reference in numpy, eight environments at a time
  quarl run runs/x --device tcp://board:5555 --keys keys     a board behind `quarl serve`, the environment here
  quarl run runs/x --hz 1000 --episodes 3                    1000 steps a second: how many were late, and by how much
  quarl run runs/x --shadow 0.01                             1 % of the steps is computed again by the reference
  quarl run runs/x --video films                             the first three episodes as mp4
  quarl run runs/x --episodes 1000 --resume                  go on with a run that was cut off

Every step and episode goes to RUN/run/DEVICE.jsonl, with the time spent on encode, device, decode, environment and
network; RUN/run/DEVICE.csv has a row for each episode. Ctrl-C keeps the whole episodes: --resume goes on with the next.
Each run plays the same fresh episodes, which training never saw; --seed names others.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from build_flows.cli.arguments import add_run, run_folder

HELP = "run the policy on a device in the closed loop"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl run``."""
    add_run(parser)
    where = parser.add_argument_group("where")
    where.add_argument("--device", default="emulator",
                       help="emulator (default), integer, pynq, finn-dma or tcp://HOST:PORT")
    where.add_argument("--keys", metavar="DIR", type=Path, help="keys of `quarl keys`, for tcp://HOST:PORT")
    what = parser.add_argument_group("what is played")
    what.add_argument("--episodes", type=int, default=10, help="number of episodes (default 10)")
    what.add_argument("--seed", type=int, default=0, help="which fresh episodes (default 0)")
    what.add_argument("--max-steps", type=int, help="end an episode after so many steps")
    what.add_argument("--task", help="another Gymnasium environment with the same spaces")
    what.add_argument("--envs", type=int, default=1, help="environments that share a batch on the device (default 1)")
    what.add_argument("--hz", type=float, help="steps per second that the loop keeps; late ones are counted")
    checks = parser.add_argument_group("checks")
    checks.add_argument("--shadow", metavar="P", type=float, default=0.0,
                        help="share of the steps that the integer reference checks, 0 to 1 (default 0)")
    checks.add_argument("--shadow-action", choices=("stop", "count"), default="stop",
                        help="at a mismatch stop before the action is taken (default), or count it and play on")
    logs = parser.add_argument_group("what is kept")
    logs.add_argument("--resume", action="store_true", help="go on with the run that the log holds, if it holds one")
    logs.add_argument("--video", metavar="DIR", type=Path, help="write the first three episodes to DIR as mp4")
    logs.add_argument("--tensorboard", action="store_true", help="also write RUN/run/tensorboard")
    logs.add_argument("--log-max-mb", type=float, default=64.0, help="begin another part of the log there (default 64)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run, and print the summary."""
    from build_flows.closed_loop import play
    from build_flows.console import say
    from host.settings import Settings

    folder = run_folder(args)
    settings = Settings(args.episodes, args.seed, args.max_steps, args.task, args.envs, args.hz, args.shadow,
                        args.shadow_action == "stop", args.video, args.resume)
    summary, log = play(folder, args.device, settings, args.keys, args.log_max_mb, args.tensorboard)
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
        rows.append(("%s, us" % ("all but env" if name == "policy" else name), _percentiles(values)))
    if "fpga_us" in summary:
        rows.append(("FPGA latency", "{:g} cycles, {:.2f} us at {:g} MHz".format(
            summary["fpga_cycles"]["p50"], summary["fpga_us"], summary["clock_mhz"])))
    if "deadline" in summary:
        late, misses = summary["deadline"]["lateness_us"], summary["deadline"]["misses"]
        rows += [("late steps", "%d of %d (%.2f %%)" % (misses, summary["steps"], 100 * misses / summary["steps"])),
                 ("lateness, us (negative: to spare)", "{}   max {:.1f}".format(_percentiles(late), late["max"]))]
    if "shadow" in summary:
        rows.append(("shadow check", "{mismatches} mismatches in {checked} steps".format(**summary["shadow"])))
    if summary["resources"]:
        rows.append(("resources", "   ".join("{} {:g}".format(name.upper(), summary["resources"][name])
                                             for name in ("lut", "ff", "dsp", "bram36"))))
    if "temperature_c" in summary["device_stats"]:
        rows.append(("temperature", "{:.1f} °C".format(summary["device_stats"]["temperature_c"])))
    table("{} on {}".format(summary["task"], summary["device"]), ("", ""), rows)


def _percentiles(values: dict[str, float]) -> str:
    return "p50 {p50:.1f}   p90 {p90:.1f}   p99 {p99:.1f}".format(**values)
