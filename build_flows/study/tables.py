"""The files and tables that are made of a study's results: ``results.csv``, ``table.md``, and what is printed."""
from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from quarl.build_flows.study.grid import FLOATS, Point, Row, Study, widths_of
from quarl.build_flows.study.results import Record, is_done
from quarl.host.files import write_bytes

# docs/studies.md explains them; plots and reports are made of these.
_POINT = ("task", "algo", "precision", "method", "weight_bits", "act_bits", "input_bits", "per_channel", "hidden",
          "engine", "folding", "seed", "total_steps")
_RETURN = ("trained_steps", "train_seconds", "backend", "episodes", "return_mean", "return_std", "observations",
           "mismatches")
_SYNTHESIS = ("lut", "lut_logic", "lut_memory", "ff", "carry4", "dsp", "bram36")
_HARDWARE = ("board", *_SYNTHESIS, "lut_percent", "lut_estimate", "dsp_estimate", "latency_cycles",
             "latency_cycles_estimate", "interval_cycles", "interval_cycles_estimate", "energy_nj_estimate",
             "energy_nj_low", "energy_nj_high", "clock_mhz", "build_seconds")
COLUMNS = (*_POINT, *_RETURN, *_HARDWARE, "error", "name")
# What the table of designs shows, and its titles.
_FIGURES = {"lut": "LUT", "lut_estimate": "est.", "ff": "FF", "dsp": "DSP", "bram36": "BRAM",
            "latency_cycles": "latency", "latency_cycles_estimate": "est.", "interval_cycles": "interval"}
_ENERGY = {"energy_nj_estimate": "nJ (est.)"}
_TEXT = """\
# Study {name}

Return, mean ± standard deviation over all seeds and {episodes} fresh episodes of each. `PTQ n`: the fp32 policy with
weights and activations quantised to n bits afterwards; `QAT n`: trained with n bits. Quantised policies are played by
the integer reference, which equals the hardware. Steps: environment steps trained, the mean over the row's trainings;
training stops early at the target of its preset. rl-zoo: what RL Baselines3 Zoo reports for its fp32 agents.
Written by `quarl study`; every point is in `points/`, all figures are in `results.csv`.
{tables}"""
_DESIGNS = """
## Designs

Built, synthesised by Yosys, compared bit for bit, and played on the emulated RTL. Resources and cycles are means over
the seeds, bridge included; est.: predicted before the build.{energy}

"""
_ENERGY_NOTE = """
nJ (est.): the energy of an action, an estimate from toggles of the synthesised netlist (docs/energy.md); no power was
measured."""


def write(study: Study, folder: Path, records: Mapping[str, Record]) -> None:
    """Write ``results.csv`` and ``table.md`` from ``records``, by the points' names."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines(study, records))
    write_bytes(folder / "results.csv", text.getvalue().encode())
    software, hardware = table(study, records), designs(study, records)
    shown = "\n" + _markdown(*software, 2)
    if hardware[1]:
        shown += _DESIGNS.format(energy=_ENERGY_NOTE if _has_energy(records) else "") + _markdown(*hardware, 6)
    write_bytes(folder / "table.md", _TEXT.format(name=study.name, episodes=study.rows[0].points[0].episodes,
                                                  tables=shown).encode())


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> str:
    """A table whose first ``texts`` columns are to the left."""
    lines = [columns, [*["---"] * texts, *["---:"] * (len(columns) - texts)], *rows]
    return "".join("| " + " | ".join(each) + " |\n" for each in lines)


def lines(study: Study, records: Mapping[str, Record]) -> list[dict[str, Any]]:
    """The rows of ``results.csv``."""
    return [line(point, records[point.name]) for point in study.points() if point.name in records]


def line(point: Point, record: Record) -> dict[str, Any]:
    """The row of ``results.csv``: :data:`COLUMNS`, empty where there is nothing to say."""
    method, weight, act = widths_of(point.precision) or ("", "", "")
    found = {"task": point.task, "algo": point.algo, "precision": point.precision, "seed": point.seed,
             "method": method, "weight_bits": _text(weight), "act_bits": _text(act),
             "input_bits": point.input_bits if point.quantised else "", "name": point.name,
             "per_channel": point.per_channel if point.quantised else "", "hidden": _hidden(point),
             "engine": point.engine or "", "folding": point.folding or "", "board": point.board if point.engine else "",
             "total_steps": point.settings["total_steps"], "error": record.get("error", "")}
    if is_done(record):
        evaluation, training, parity = record["evaluation"], record["training"], record["parity"] or {}
        found |= {"trained_steps": training["trained_timesteps"], "train_seconds": training["seconds"],
                  "backend": evaluation["backend"], "episodes": evaluation["episodes"],
                  "return_mean": statistics.fmean(evaluation["returns"]),
                  "return_std": statistics.pstdev(evaluation["returns"]),
                  "observations": parity.get("observations", ""), "mismatches": parity.get("mismatches", "")}
        if point.engine:
            found |= _hardware(record["hardware"])
    return found


def _hardware(found: Mapping[str, Any]) -> dict[str, Any]:
    estimate, energy = found["estimate"], found.get("energy_nj", {})
    return {**{key: found["synthesis"][key] for key in _SYNTHESIS}, "lut_percent": found["percent"]["lut"],
            **{key: found[key] for key in ("latency_cycles", "interval_cycles", "clock_mhz", "build_seconds")},
            **{f"{key}_estimate": estimate[key] for key in ("lut", "dsp", "latency_cycles", "interval_cycles")},
            "energy_nj_estimate": energy.get("nominal", ""), "energy_nj_low": energy.get("low", ""),
            "energy_nj_high": energy.get("high", "")}


def _hidden(point: Point) -> str:
    """``64-64``; empty for pixels."""
    arch = point.settings.get("net_arch", [])
    return _text(tuple(arch if isinstance(arch, list) else arch.get("pi", ())))


def _text(sizes: Any) -> str:
    return "-".join(map(str, sizes)) if isinstance(sizes, tuple) else str(sizes)


def table(study: Study, records: Mapping[str, Record]) -> tuple[list[str], list[list[str]]]:
    """Of the points without hardware: column titles, and the rows that have a result."""
    used = {point.precision for point in study.points() if not point.engine}
    precisions = [p for p in FLOATS if p in used] + sorted(used - {*FLOATS}, key=_order)
    titles = [p if p in FLOATS else f"{p[:3].upper()} {p[3:]}" for p in precisions]
    return (["task", "algorithm", "steps", "rl-zoo", *titles],
            [_table_row(study, row, records, precisions) for row in study.rows
             if any(point.name in records for point in row.points if not point.engine)])


def _order(precision: str) -> tuple[Any, ...]:
    """PTQ before QAT, many bits before few."""
    method, *widths = widths_of(precision) or ("", 0, 0)
    return method, [[-each for each in (width if isinstance(width, tuple) else (width,))] for width in widths]


def _table_row(study: Study, row: Row, records: Mapping[str, Record], precisions: Sequence[str]) -> list[str]:
    points = [point for point in row.points if not point.engine]
    done = [records[p.name] for p in points if is_done(records.get(p.name))]
    trained = [r["training"]["trained_timesteps"] for r in done if r["point"]["precision"][:3] not in ("fp1", "ptq")]
    zoo = study.rl_zoo.get(row.task, {}).get(row.algo)
    cells = [_cell([p for p in points if p.precision == precision], records) for precision in precisions]
    return [row.task, _algorithm(row), f"{statistics.fmean(trained):,.0f}" if trained else "",
            "" if zoo is None else f"{zoo:.1f}", *cells]


def _algorithm(row: Row) -> str:
    return f"{row.algo} ({row.note})" if row.note else row.algo


def _cell(points: Sequence[Point], records: Mapping[str, Record]) -> str:
    """Of one precision, over the seeds; seeds that failed or are still to come are named."""
    found = [records[p.name] for p in points if p.name in records]
    returns = [value for record in found if is_done(record) for value in record["evaluation"]["returns"]]
    done, failed = sum(map(is_done, found)), len(found) - sum(map(is_done, found))
    notes = [f"{done} of {len(points)} seeds"] * (0 < done < len(points)) + [f"{failed} failed"] * (failed > 0)
    text = f"{statistics.fmean(returns):.1f} ± {statistics.pstdev(returns):.1f}" if returns else ""
    return " ".join([text, f"({', '.join(notes)})"] if notes else [text]).strip()


def designs(study: Study, records: Mapping[str, Record]) -> tuple[list[str], list[list[str]]]:
    """Of the points with hardware: column titles, and a row for each design that has a result, over its seeds."""
    figures = {**_FIGURES, **(_ENERGY if _has_energy(records) else {})}
    groups: dict[tuple[str, ...], dict[Point, None]] = {}       # rows may share designs
    for row in study.rows:
        for point in row.points:
            if point.engine:
                key = row.task, _algorithm(row), point.precision, point.engine, str(point.folding), point.board
                groups.setdefault(key, {})[point] = None
    rows = [[*key, _cell(list(points), records), *_figures(points, records, figures)]
            for key, points in groups.items() if any(point.name in records for point in points)]
    return ["task", "algorithm", "policy", "engine", "folding", "board", "return", *figures.values()], rows


def _has_energy(records: Mapping[str, Record]) -> bool:
    return any("energy_nj" in record.get("hardware", {}) for record in records.values())


def _figures(points: Iterable[Point], records: Mapping[str, Record], columns: Iterable[str]) -> list[str]:
    found = [_hardware(records[p.name]["hardware"]) for p in points if is_done(records.get(p.name))]
    return [_mean([each[column] for each in found if each[column] != ""]) for column in columns]


def _mean(values: Sequence[float]) -> str:
    return f"{statistics.fmean(values):,.1f}".removesuffix(".0") if values else ""
