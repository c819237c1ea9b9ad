"""Find the smallest policy at reward parity by itself, as hardware. Repeat the command to go on.

  quarl search --task CartPole-v1 --algo ppo
  quarl search --task CartPole-v1 --algo ppo --parity std --trials 60           more candidates; the first 30 are kept
  quarl search --task Pendulum-v1 --algo sac --parity std --fold min-latency    smallest of the fastest designs

The fp32 policies are trained first. A candidate has bits of its own for the observation, the first, the core and the
last layer, and a size of its hidden layers; Optuna proposes it, from return, LUTs and latency of those before. Before
it is trained, its LUTs and cycles are estimated: if a design that was found at parity is as good in both, or it does
not fit, it is passed over, and does not count as a trial. Then one seed is trained, and the others only if that is at
parity. Only what is at parity with all seeds is built, compared bit for bit, synthesised, and played on the emulator.

Parity: the mean return is at most so far below that of the fp32 policies with the same seeds: a share of it (5%), or
one standard deviation of its episodes (std). Of the designs at parity, that with the fewest LUTs is chosen.

OUT holds optuna.db, the trials, and points/, the results. Stop it as you like: what is done is not done again.
"""
from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quarl.host.errors import UserError
from quarl.hw.engines.registry import ENGINES

if TYPE_CHECKING:
    from quarl.build_flows.search.question import Search
    from quarl.build_flows.search.run import Result

HELP = "find the smallest policy at reward parity; resumable"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl search``."""
    parser.add_argument("--task", required=True, help="gymnasium task, for example CartPole-v1")
    parser.add_argument("--algo", default="ppo", help="algorithm, as of `quarl train` (default ppo)")
    parser.add_argument("--parity", default="5%", help="how far below fp32 the mean return may be: a share such as "
                        "5%%, or std (default 5%%)")
    parser.add_argument("--trials", type=int, default=30, help="candidates to train (default 30)")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of a candidate at parity (default 3)")
    parser.add_argument("--episodes", type=int, default=20, help="to judge a seed by (default 20)")
    parser.add_argument("--steps", type=int, help="environment steps of a training (default: the preset's)")
    parser.add_argument("--engine", default="rom", help=f"{', '.join(ENGINES)} (default rom)")
    parser.add_argument("--fold", default="min-area", metavar="FOLD",
                        help="min-area, balanced, min-latency, or the cycles an action may take (default min-area)")
    parser.add_argument("--board", default="pynq-z2", help="board name, see `quarl boards` (default pynq-z2)")
    parser.add_argument("--jobs", type=int, help="trainings at a time (default: one a core, here "
                        f"{len(os.sched_getaffinity(0))})")
    parser.add_argument("--runs", type=Path, default=Path("runs/search"),
                        help="where run folders are made; with that of a study, its trainings are used (default "
                             "%(default)s)")
    parser.add_argument("--out", type=Path, help="where the search is kept (default searches/TASK-ALGO)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Search, and print the chosen design and those that none beats."""
    from quarl.build_flows.search.question import Search
    from quarl.build_flows.search.reward_parity import Parity
    for option, value in (("--trials", args.trials), ("--jobs", args.jobs)):
        if value is not None and value < 1:
            raise UserError(f"{option} must be 1 or more", value, f"pass {option} 2")
    search = Search(args.task, args.algo, Parity(args.parity), args.seeds, args.engine, args.fold, args.steps,
                    args.episodes, args.board)
    out = args.out or Path("searches") / f"{args.task.replace('/', '_')}-{args.algo}"
    found = _search(search, args, out)
    return _show(search, found, args.runs, out)


def _search(search: Search, args: argparse.Namespace, out: Path) -> Result:
    from quarl.build_flows.search import run
    from quarl.build_flows.search.estimate import estimate
    from quarl.build_flows.search.storage import Storage
    from quarl.build_flows.search.trials import Measuring
    from quarl.build_flows.study.executors.local import Local
    from quarl.build_flows.study.lock import alone_in
    from quarl.hw.tools.prerequisites import require

    require("emulate")
    require("synthesise")
    _ = search.space            # before anything is made
    with alone_in(out, "search", "--out"):
        measure = Measuring(args.runs, out, Local(args.jobs or len(os.sched_getaffinity(0))))
        return run.run(search, args.trials, Storage(out, search), measure, estimate)


def _show(search: Search, found: Result, runs: Path, out: Path) -> dict[str, Any]:
    from quarl.build_flows.console import say, table
    from quarl.build_flows.search import outcome
    from quarl.build_flows.search.findings import mean_of

    best, front = outcome.chosen(found.findings), outcome.pareto(found.findings)
    fp32 = mean_of(found.reference)
    table(f"{search.task} with {search.algo}: policies that no other beats in return, LUTs and latency; ~ estimated",
          outcome.COLUMNS, [outcome.row(each, best) for each in front])
    say(f"fp32: return {fp32:.1f}; parity from {found.least:.1f}; {len(found.findings)} trained, {found.ruled_out} "
        f"ruled out by estimates, {found.failed} failed")
    if best is None:
        say("no policy at parity; go on with more --trials, or a wider --parity")
    else:
        say(f"chosen: {best.candidate}, return {best.mean:.1f}, {best.lut:g} LUT, {best.latency} cycles: "
            f"{runs / str(best.run)}")
    of_8_bits = next((each for each in found.findings if each.candidate == search.space.starts()[0]), None)
    if best and of_8_bits:
        say(f"that is {100 * best.lut / of_8_bits.lut:.0f} % of the LUTs of the 8-bit policy, {of_8_bits.lut:g}")
    return {"search": search.describe(), "fp32_return": fp32, "parity_return": found.least,
            "trained": len(found.findings), "ruled_out": found.ruled_out, "failed": found.failed,
            "chosen": outcome.describe(best) if best else None,
            "of_8_bits": outcome.describe(of_8_bits) if of_8_bits else None,
            "pareto": [outcome.describe(each) for each in front],
            "runs": str(runs), "out": str(out)}
