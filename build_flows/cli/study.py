"""Train and measure every point of a study, several at a time, and write the table. Repeat the command to go on.

  quarl study studies/quarl.yaml --dry-run         what there is to do
  quarl study studies/quarl.yaml                   the core table: fp32, PTQ and QAT on five tasks, three seeds
  quarl study studies/quarl.yaml --part wide       a group of points that is not run by default

Results are kept one file a point, in results/NAME beside the YAML file, with results.csv and table.md; a point that has
one is not run again, even where its run folder is gone. A point that failed is tried again.
"""
from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host.errors import ToolError, UserError

if TYPE_CHECKING:
    from build_flows.study.grid import Point, Study

HELP = "train and measure a grid of policies; resumable"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl study``."""
    parser.add_argument("study", metavar="YAML", type=Path, help="the study, for example studies/quarl.yaml")
    parser.add_argument("--part", default="core", help="part of the grid, or all (default core)")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)),
                        help="trainings at a time (default: one a core, here %(default)s)")
    parser.add_argument("--runs", type=Path, help="where run folders are made (default runs/study-NAME)")
    parser.add_argument("--results", type=Path, help="where results are kept (default results/NAME beside YAML)")
    parser.add_argument("--dry-run", action="store_true", help="list the points and their state, and run nothing")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the study, and print the table."""
    from build_flows.console import say, table
    from build_flows.study import results, runner
    from build_flows.study.read import read_study

    study = read_study(args.study)
    points = _points(study, args.part)
    runs = args.runs or Path("runs") / f"study-{study.name}"
    folder = args.results or args.study.parent / "results" / study.name
    if args.dry_run:
        records = runner.kept(study, folder)
        _show_state(points, runs, records)
    else:
        records = runner.run(study, points, runs, folder, args.jobs)
    if records:
        table(f"Study {study.name}: return, mean ± deviation", *results.table(study, records))
    failed = [point for point in points if "error" in records.get(point.name, {})]
    if failed and not args.dry_run:
        raise ToolError("every point of the study must end well", "%d of %d that did not; %s: %s" % (
            len(failed), len(points), failed[0].title, records[failed[0].name]["error"]),
            f"correct the cause and repeat the command; tracebacks are in study.log of the run folders in {runs}")
    done = len(points) - len(runner.pending(points, records))
    say(f"{done} of {len(points)} points done; results in {folder}")
    return {"study": study.name, "part": args.part, "points": len(points), "done": done,
            "failed": [point.name for point in failed], "runs": str(runs), "results": str(folder)}


def _points(study: Study, part: str) -> list[Point]:
    if part not in ("all", *study.parts):
        raise UserError("the part must be one of " + ", ".join((*study.parts, "all")), part, "choose one with --part")
    return study.points(None if part == "all" else part)


def _show_state(points: Sequence[Point], runs: Path, records: Mapping[str, Any]) -> None:
    from build_flows.console import say, table
    from build_flows.study import results, runner
    from build_flows.study.points import jobs_of, pending_steps

    pending = jobs_of(runner.pending(points, records))
    steps = {job.training.name: pending_steps(job, runs) for job in pending}
    table("Points", ("point", "state", "steps to train"), [
        (point.title, results.summary(records[point.name]) if point.name in records else "to do",
         "" if results.is_done(records.get(point.name)) else
         f"{steps[point.name]:,}" if point == point.training else
         f"after {point.training.precision}") for point in points])
    say(f"{sum(len(job.points) for job in pending)} of {len(points)} points to do, "
        f"in {len(pending)} trainings of {sum(steps.values()):,} steps together at most")
