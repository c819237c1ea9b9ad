"""Run every benchmark, or those whose name or file contains an argument: ``python -m benchmarks [NAME]``."""
from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import chain, host, remote, resources, rom_engine, studies, training
from quarl.host.files import write_bytes, write_json

LATEST = Path(__file__).with_name("latest.json")
TABLE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
BENCHMARKS = (chain.help_time, chain.demo, chain.emulator_rate, rom_engine.area, rom_engine.latency_w4,
              rom_engine.latency_w2, rom_engine.latency_cartpole, rom_engine.clock, rom_engine.tools, host.overhead,
              host.integer, remote.latency, remote.soak, resources.model, studies.widths, studies.searches,
              training.rollouts, training.ppo, training.off_policy)


def main() -> None:
    """Measure, and keep each row in ``latest.json`` and the table as soon as it is there."""
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    results = {row["name"]: row for row in json.loads(LATEST.read_text())} if LATEST.exists() else {}
    for benchmark in BENCHMARKS:
        if asked in f"{benchmark.__module__}.{benchmark.__name__}":
            for row in benchmark():
                results[row["name"]] = {**row, "command": "make bench", "when": datetime.date.today().isoformat()}
                print(_line(row), end="", flush=True)
                _write(results)


def _write(results: dict[str, dict[str, Any]]) -> None:
    rows = sorted(results.values(), key=lambda row: row["name"])
    write_json(LATEST, rows)
    head = "| benchmark | value | unit | baseline | target | met |\n| --- | ---: | --- | ---: | --- | --- |\n"
    write_bytes(TABLE, ("# Benchmarks\n\nWritten by `make bench`, on two cores.\n\n" + head
                        + "".join(map(_line, rows))).encode())


def _line(row: dict[str, Any]) -> str:
    baseline = "" if row["baseline"] is None else f"{row['baseline']:g}"
    return (f"| {row['name']} | {row['value']:.5g} | {row['unit']} | {baseline} | {row['target']} | "
            f"{'yes' if row['met'] else 'no'} |\n")


if __name__ == "__main__":
    main()
