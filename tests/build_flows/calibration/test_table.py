"""The data file: what is written is read; a measuring goes on where it was cut off."""
import contextlib
import dataclasses
import sys

from quarl.build_flows.calibration import measure, table
from quarl.build_flows.calibration.designs import BITS, HELD_OUT, designs
from quarl.build_flows.calibration.table import FINN, KINDS, PARTS, Row


def row(design, layer, latency=120):
    counts = {part: {kind: 10.0 * number + 0.5 for number, kind in enumerate(KINDS)} for part in PARTS}
    return Row(design, layer, counts, dict.fromkeys(FINN, 3.5), latency, latency and 64.25)


def test_what_is_written_is_read(tmp_path):
    rows = {design: [row(design, layer) for layer in range(len(design.folding))] for design in designs()[:4]}
    table.write(rows.values(), tmp_path / "measured.csv")
    assert table.read(tmp_path / "measured.csv") == rows
    assert table.read(tmp_path / "nothing.csv") == {}


def test_the_designs_are_the_same_every_time_and_of_every_width():
    every = designs()
    assert every == designs() and len({design.name for design in every}) == len(every)
    held_out = [design for design in every if design.role == HELD_OUT]
    assert len(held_out) >= 30
    for engine in ("rom", "dsp", "lut"):
        assert {design.weight_bits for design in held_out if design.engine == engine} == set(BITS)


def test_only_what_is_not_there_is_measured(tmp_path, monkeypatch):
    first, second, third = designs()[:3]
    path = tmp_path / "measured.csv"
    monkeypatch.setattr(table.read, "__defaults__", (path,))
    monkeypatch.setattr(table.write, "__defaults__", (path,))
    monkeypatch.setattr(measure, "designs", lambda: [first, second, third])
    table.write([[row(first, 0)], [dataclasses.replace(row(second, 0), latency=None, interval=None)]])
    asked = []

    def interrupted(design):
        asked.append(design)
        if design == third:
            raise KeyboardInterrupt
        return [row(design, 0)]

    monkeypatch.setattr(measure, "measure", interrupted)
    monkeypatch.setattr(sys, "argv", ["measure"])
    with contextlib.suppress(KeyboardInterrupt):
        measure.main()
    assert asked == [second, third]
    assert table.read() == {first: [row(first, 0)], second: [row(second, 0)]}
