"""Train, build and measure every point of a study, several at a time, and write the tables. Repeat it to go on.

  quarl study studies/quarl.yaml --dry-run         what there is to do
  quarl study studies/quarl.yaml                   the core table: fp32, PTQ and QAT on five tasks, three seeds
  quarl study studies/quarl.yaml --part wide       a group of points that is not run by default
  quarl study studies/bitwidth_vs_lut.yaml         policies as hardware: returns on the emulator, LUTs, cycles
  quarl study studies/bitwidth_vs_lut.yaml --executor ray://10.0.0.1:10001     on a Ray cluster
  quarl study studies/quarl.yaml --report          the page and plots of what is there so far

Results are kept one file a point, in results/NAME beside the YAML file, with results.csv, table.md, and at the end
report.html, plots/ and, with the extra `parquet`, results.parquet; a point that has one is not run again, even where
its run folder is gone. A point that failed is tried again.
"""
from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quarl.host.errors import ToolError, UserError

if TYPE_CHECKING:
    from quarl.build_flows.study.executors.local import Executor
    from quarl.build_flows.study.grid import Point, Study

HELP = "train, build and measure a grid of policies; resumable"
LOCAL, RAY = "local", "ray"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl study``."""
    parser.add_argument("study", metavar="YAML", type=Path, help="the study, for example studies/quarl.yaml")
    parser.add_argument("--part", default="core", help="part of the grid, or all (default core)")
    parser.add_argument("--jobs", type=int, help="trainings and builds at a time (default: one a core, here "
                        f"{len(os.sched_getaffinity(0))}, or one a CPU of the cluster)")
    parser.add_argument("--executor", default=LOCAL, metavar="WHERE",
                        help="local: processes here (default); ray: a Ray cluster of this machine, or the one of "
                             "RAY_ADDRESS; ray://HOST:PORT: that one")
    parser.add_argument("--runs", type=Path, help="where run folders are made (default runs/study-NAME)")
    parser.add_argument("--results", type=Path, help="where results are kept (default results/NAME beside YAML)")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--dry-run", action="store_true", help="list the points and their state, and run nothing")
    instead.add_argument("--report", action="store_true",
                         help="write report.html, plots/ and results.parquet of the results so far, and run nothing")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the study, and print the table."""
    from quarl.build_flows.console import say, table
    from quarl.build_flows.study import runner, tables
    from quarl.build_flows.study.read import read_study
    from quarl.hw.tools.prerequisites import require

    study = read_study(args.study)
    points = _points(study, args.part)
    runs = args.runs or Path("runs") / f"study-{study.name}"
    folder = args.results or args.study.parent / "results" / study.name
    if args.dry_run:
        records = runner.kept(study, folder)
        _show_state(points, runs, records)
    elif args.report:
        records = runner.kept(study, folder)
    else:
        if args.executor == LOCAL and any(point.engine for point in points):
            require("emulate")
            require("synthesise")
        records = runner.run(study, points, runs, folder, _executor(args))
    if args.report or (not args.dry_run and _report_is_old(folder)):
        from quarl.build_flows.study import parquet
        from quarl.build_flows.study.report import write_report
        say(f"report: {write_report(study, records, folder, runs)}")
        parquet.write(study, folder, records)
    for title, (columns, rows) in (("return, mean ± deviation", tables.table(study, records)),
                                   ("designs", tables.designs(study, records))):
        if rows:
            table(f"Study {study.name}: {title}", columns, rows)
    failed = [point for point in points if "error" in records.get(point.name, {})]
    if failed and not (args.dry_run or args.report):
        raise ToolError("every point of the study must end well", "%d of %d that did not; %s: %s" % (
            len(failed), len(points), failed[0].title, records[failed[0].name]["error"].rstrip(".")),
            f"correct the cause and repeat the command; tracebacks are in study.log of the run folders in {runs}")
    done = len(points) - len(runner.pending(points, records))
    say(f"{done} of {len(points)} points done; results in {folder}")
    return {"study": study.name, "part": args.part, "points": len(points), "done": done,
            "failed": [point.name for point in failed], "runs": str(runs), "results": str(folder)}


def _report_is_old(folder: Path) -> bool:
    """Whether a result is newer than the page, or there is none."""
    report = folder / "report.html"
    written = report.stat().st_mtime_ns if report.exists() else 0
    return any(path.stat().st_mtime_ns > written for path in (folder / "points").glob("*.json"))


def _executor(args: argparse.Namespace) -> Executor:
    """Raises :class:`UserError` for one that does not exist."""
    if args.jobs is not None and args.jobs < 1:
        raise UserError("the number of jobs must be 1 or more", args.jobs, "pass --jobs 2")
    if args.executor == LOCAL:
        from quarl.build_flows.study.executors.local import Local
        return Local(args.jobs or len(os.sched_getaffinity(0)))
    if args.executor != RAY and not args.executor.startswith(RAY + "://"):
        raise UserError("--executor must be local, ray or ray://HOST:PORT", args.executor, "choose one of them")
    from quarl.build_flows.study.executors.ray import Ray
    return Ray(None if args.executor == RAY else args.executor, args.jobs)


def _points(study: Study, part: str) -> list[Point]:
    if part not in ("all", *study.parts):
        raise UserError("the part must be one of " + ", ".join((*study.parts, "all")), part, "choose one with --part")
    return study.points(None if part == "all" else part)


def _show_state(points: Sequence[Point], runs: Path, records: Mapping[str, Any]) -> None:
    from quarl.build_flows.console import say, table
    from quarl.build_flows.study import results, runner
    from quarl.build_flows.study.jobs import jobs_of, pending_steps

    pending = jobs_of(runner.pending(points, records))
    steps = {job.training.name: pending_steps(job, runs) for job in pending}
    table("Points", ("point", "state", "steps to train"), [
        (point.title, results.summary(records[point.name]) if point.name in records else "to do",
         "" if results.is_done(records.get(point.name)) else
         f"{steps[point.name]:,}" if point == point.training else
         f"after {point.training.title if point.engine else point.training.precision}") for point in points])
    builds = sum(len(job.designs) for job in pending)
    say(f"{sum(len(job.points) for job in pending) + builds} of {len(points)} points to do"
        f"{f', {builds} of them builds' if builds else ''}, in {len(pending)} trainings of {sum(steps.values()):,} "
        "steps together at most")
