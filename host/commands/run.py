"""Play episodes on the board: the environment against the policy on a device, timed and logged at every step.

  quarl run                               ten episodes on the board's accelerator
  quarl run --device integer              on the processor, in C: the CPU's baseline
  quarl run --hz 1000 --episodes 3        1000 steps a second: how many were late, and by how much
  quarl run --shadow 0.01                 1 % of the steps is computed again by the reference
  quarl run --episodes 1000 --resume      go on with a run that was cut off

Every step and episode goes to run/DEVICE.jsonl, with the time spent on encode, device, decode and environment;
run/DEVICE.csv has a row for each episode. Those of the runs before are kept, as DEVICE-1, DEVICE-2 and so on. Ctrl-C
keeps the whole episodes: --resume goes on with the next. Each run plays the same fresh episodes, which training never
saw; --seed names others.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from quarl.host.commands.folder import add_folder, read_folder
from quarl.host.console import say, table

if TYPE_CHECKING:
    from quarl.host.loop.settings import Settings

HELP = "run the policy on a device in the closed loop"


def add_options(parser: argparse.ArgumentParser, device: str) -> argparse._ArgumentGroup:
    """All but the folder; ``device`` is the default. Returns the group of what is kept."""
    where = parser.add_argument_group("where")
    where.add_argument("--device", default=device,
                       help="emulator, integer, pynq, finn-dma or tcp://HOST:PORT (default %s)" % device)
    where.add_argument("--keys", metavar="DIR", type=Path, help="keys of `quarl keys`, for tcp://HOST:PORT")
    what = parser.add_argument_group("what is played")
    what.add_argument("--episodes", type=int, default=10, help="number of episodes (default 10)")
    what.add_argument("--seed", type=int, default=0, help="which fresh episodes (default 0)")
    what.add_argument("--max-steps", type=int, help="end an episode after so many steps")
    what.add_argument("--max-episode-steps", type=int, metavar="STEPS",
                      help="the environment's time limit (default: as in training)")
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
    logs.add_argument("--log-max-mb", type=float, default=64.0, help="begin another part of the log there (default 64)")
    return logs


def settings_of(args: argparse.Namespace) -> Settings:
    """What the options say. Raises ``UserError``."""
    from quarl.host.loop.settings import Settings
    return Settings(args.episodes, args.seed, args.max_steps, args.task, args.envs, args.hz, args.shadow,
                    args.shadow_action == "stop", args.video, args.resume, args.max_episode_steps)


def closing(summary: Dict[str, Any]) -> Tuple[str, List[Tuple[str, str]]]:
    """The closing table: title and rows."""
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
    if "step" in summary["device_stats"]:
        rows.append(("the step is done in", summary["device_stats"]["step"]))
    if "temperature_c" in summary["device_stats"]:
        rows.append(("temperature", "{:.1f} °C".format(summary["device_stats"]["temperature_c"])))
    return "{} on {}".format(summary["task"], summary["device"]), rows


def _percentiles(values: Dict[str, float]) -> str:
    return "p50 {p50:.1f}   p90 {p90:.1f}   p99 {p99:.1f}".format(**values)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments on the board."""
    add_folder(parser)
    add_options(parser, "pynq")


def run(args: argparse.Namespace) -> Dict[str, Any]:
    """Run, and print the summary."""
    from quarl.host import connect
    from quarl.host.loop.play import log_path, play
    from quarl.host.loop.progress import Progress

    policy, accel = read_folder(args)
    settings, log = settings_of(args), log_path(args.folder, args.device)
    summary = play(policy, connect.create(args.device, policy, accel, args.keys), log, settings, accel,
                   args.log_max_mb, lambda: [Progress(settings.episodes)])
    table(*closing(summary))
    say("log: %s" % log.resolve())
    return dict(run=str(args.folder), log=str(log.resolve()), **summary)
