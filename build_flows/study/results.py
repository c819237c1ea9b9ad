"""A study's results: one JSON a point, kept with the repository, and the files that are made of them.

``points/NAME.json`` decides whether a point is done; run folders may be gone. ``results.csv`` and ``table.md`` are
written anew whenever a point ends.
"""
from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from build_flows.study.grid import Point, Row, Study
from host.errors import UserError
from host.files import write_bytes, write_json

Record = dict[str, Any]
_COLUMNS = ("task", "algo", "precision", "input_bits", "per_channel", "seed", "total_steps", "trained_steps",
            "episodes", "return_mean", "return_std", "observations", "mismatches", "train_seconds", "error", "name")
_TEXT = """\
# Study {name}

Return, mean ± standard deviation over all seeds and {episodes} fresh episodes of each. `PTQ n`: the fp32 policy with
weights and activations quantised to n bits afterwards; `QAT n`: trained with n bits. Quantised policies are played by
the integer reference, which equals the hardware. Steps: environment steps trained, the mean over the row's trainings;
training stops early at the target of its preset. rl-zoo: what RL Baselines3 Zoo reports for its fp32 agents.
Written by `quarl study`; every point is in `points/`, all figures are in `results.csv`.

{table}
"""


def path_of(folder: Path, point: Point) -> Path:
    """Where the result of ``point`` is kept."""
    return folder / "points" / (point.name + ".json")


def read(folder: Path, point: Point) -> Record | None:
    """The kept result of ``point``, perhaps a failure, or None. Raises :class:`UserError` for a damaged file."""
    path = path_of(folder, point)
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error
    try:
        record = json.loads(text)
        whole = isinstance(record["error"], str) if "error" in record else _is_whole(record)
        if not (whole and record["point"] == point.describe()):
            raise ValueError("keys or values that are not this point's")
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    return record if "error" in record or record["evaluation"]["episodes"] == point.episodes else None


def _is_whole(record: Record) -> bool:
    evaluation = record["evaluation"]
    return (len(evaluation["returns"]) == evaluation["episodes"] >= 1
            and all(math.isfinite(value) for value in evaluation["returns"])
            and {"trained_timesteps", "seconds"} <= set(record["training"]) and "parity" in record)


def _damaged(path: Path, found: str) -> UserError:
    return UserError("a result of a study must be whole", f"{found} in {path}",
                     "restore it, or delete it: its point will be run again and the others stay")


def write(folder: Path, point: Point, record: Record) -> Record:
    """Keep the result of ``point`` and return it whole."""
    record = {"name": point.name, "point": point.describe(), **record}
    write_json(path_of(folder, point), record)
    return record


def is_done(record: Record | None) -> bool:
    """Whether the point needs no more work."""
    return record is not None and "error" not in record


def summary(record: Record) -> str:
    """In a few words: the return, or what went wrong."""
    if "error" in record:
        return "failed: " + record["error"]
    returns = record["evaluation"]["returns"]
    return f"return {statistics.fmean(returns):.1f} ± {statistics.pstdev(returns):.1f}"


def write_tables(study: Study, folder: Path, records: Mapping[str, Record]) -> None:
    """Write ``results.csv`` and ``table.md`` from ``records``, by the points' names."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_line(point, records[point.name]) for point in study.points() if point.name in records)
    write_bytes(folder / "results.csv", text.getvalue().encode())
    columns, rows = table(study, records)
    lines = [columns, ["---", "---", *["---:"] * (len(columns) - 2)], *rows]
    episodes = study.rows[0].points[0].episodes
    write_bytes(folder / "table.md", _TEXT.format(name=study.name, episodes=episodes, table="\n".join(
        "| " + " | ".join(line) + " |" for line in lines)).encode())


def _line(point: Point, record: Record) -> dict[str, Any]:
    line = {"task": point.task, "algo": point.algo, "precision": point.precision, "seed": point.seed,
            "input_bits": point.input_bits if point.quantised else "", "name": point.name,
            "per_channel": point.per_channel if point.quantised else "",
            "total_steps": point.settings["total_steps"], "error": record.get("error", "")}
    if is_done(record):
        evaluation, training, parity = record["evaluation"], record["training"], record["parity"] or {}
        line |= {"trained_steps": training["trained_timesteps"], "train_seconds": training["seconds"],
                 "episodes": evaluation["episodes"], "return_mean": statistics.fmean(evaluation["returns"]),
                 "return_std": statistics.pstdev(evaluation["returns"]),
                 "observations": parity.get("observations", ""), "mismatches": parity.get("mismatches", "")}
    return line


def table(study: Study, records: Mapping[str, Record]) -> tuple[list[str], list[list[str]]]:
    """Column titles and rows; of the rows, those with a result."""
    used = {point.precision for point in study.points()}
    precisions = [p for p in ("fp32", "fp16", *(kind + str(n) for kind in ("ptq", "qat") for n in range(8, 1, -1)))
                  if p in used]
    titles = [p if p.startswith("fp") else f"{p[:3].upper()} {p[3:]}" for p in precisions]
    return (["task", "algorithm", "steps", "rl-zoo", *titles],
            [_table_row(study, row, records, precisions) for row in study.rows
             if any(point.name in records for point in row.points)])


def _table_row(study: Study, row: Row, records: Mapping[str, Record], precisions: Sequence[str]) -> list[str]:
    done = [records[p.name] for p in row.points if is_done(records.get(p.name))]
    trained = [r["training"]["trained_timesteps"] for r in done if r["point"]["precision"][:3] not in ("fp1", "ptq")]
    zoo = study.rl_zoo.get(row.task, {}).get(row.algo)
    cells = [_cell([p for p in row.points if p.precision == precision], records) for precision in precisions]
    return [row.task, f"{row.algo} ({row.note})" if row.note else row.algo,
            f"{statistics.fmean(trained):,.0f}" if trained else "", "" if zoo is None else f"{zoo:.1f}", *cells]


def _cell(points: Sequence[Point], records: Mapping[str, Record]) -> str:
    """Of one precision, over the seeds; seeds that failed or are still to come are named."""
    found = [records[p.name] for p in points if p.name in records]
    returns = [value for record in found if is_done(record) for value in record["evaluation"]["returns"]]
    done, failed = sum(map(is_done, found)), len(found) - sum(map(is_done, found))
    notes = [f"{done} of {len(points)} seeds"] * (0 < done < len(points)) + [f"{failed} failed"] * (failed > 0)
    text = f"{statistics.fmean(returns):.1f} ± {statistics.pstdev(returns):.1f}" if returns else ""
    return " ".join([text, f"({', '.join(notes)})"] if notes else [text]).strip()
