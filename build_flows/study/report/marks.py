"""What the plots show: policies and designs, each with the figures of all its seeds."""
from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from quarl.build_flows.report.figures import count, mean_std, microseconds, real

Row = Mapping[str, Any]      # of results.csv, as quarl.build_flows.study.tables.line makes it
_VARIANT = {"input_bits": "{}-bit input", "per_channel": "per channel: {}", "hidden": "hidden {}",
            "total_steps": "{:,} steps", "folding": "{}", "board": "{}"}
_POLICY = ("task", "algo", "precision", "input_bits", "per_channel", "hidden", "total_steps")
ENERGY = ("energy_nj_estimate", "energy_nj_low", "energy_nj_high")


@dataclasses.dataclass(frozen=True)
class Mark:
    """A policy or a design: the rows of its seeds. ``variant`` says what the task's others have differently."""

    rows: tuple[Row, ...]
    variant: str = ""

    def __getitem__(self, column: str) -> Any:
        """What all seeds have in common."""
        return self.rows[0][column]

    def mean(self, column: str) -> float:
        """Over the seeds."""
        return statistics.fmean(row[column] for row in self.rows)

    def deviation(self, column: str) -> float:
        """Standard deviation of the seeds; 0 for one seed."""
        return statistics.pstdev(row[column] for row in self.rows)

    @property
    def names(self) -> list[str]:
        """Of its points."""
        return [row["name"] for row in self.rows]

    @property
    def widths(self) -> tuple[int, int] | None:
        """Bits of weights and of activations; None for floating point, and where parts have other widths."""
        weight, act = self["weight_bits"], self["act_bits"]
        return (int(weight), int(act)) if weight.isdigit() and act.isdigit() else None

    @property
    def bits(self) -> int | None:
        """Where weights and activations have the same."""
        return self.widths[0] if self.widths and self.widths[0] == self.widths[1] else None

    @property
    def label(self) -> str:
        """Its series, among those of its task: ``ppo QAT rom``."""
        return " ".join(filter(None, (self["algo"], self["method"].upper() or self["precision"], self["engine"],
                                      self.variant)))

    def describe(self) -> str:
        """All there is to say of it, for the hover, a line each."""
        lines = [f"<b>{self['task']} {self['algo']} {self['precision']} {self['engine']}</b> {self.variant}".rstrip()]
        if self["method"]:
            lines.append(f"{self['weight_bits']}-bit weights, {self['act_bits']}-bit activations, "
                         f"{self['input_bits']}-bit input")
        lines.append(f"{len(self.rows)} seed{'s' * (len(self.rows) > 1)}, {self['episodes']} episodes each")
        lines.append(f"return {mean_std(self.mean('return_mean'), self.deviation('return_mean'))}")
        if self["engine"]:
            cycles = self.mean("latency_cycles")
            lines += [f"LUT {count(round(self.mean('lut')))} synthesised, {count(round(self.mean('lut_estimate')))} "
                      f"estimated ({self.error:+.1f} %)",
                      f"latency {real(cycles).removesuffix('.0')} cycles measured, "
                      f"{microseconds(cycles / self['clock_mhz'])} at {self['clock_mhz']:g} MHz",
                      *(f"energy {mark.energy} nJ an action, estimated" for mark in with_energy([self]))]
        return "<br>".join(lines)

    @property
    def error(self) -> float:
        """Of the LUTs' estimate, in percent of what was synthesised."""
        return 100 * (self.mean("lut_estimate") / self.mean("lut") - 1)

    @property
    def energy(self) -> str:
        """Estimate of an action's nJ and its range, ``61.0 (44.5 to 267.0)``, of a mark :func:`with_energy`."""
        return "{} ({} to {})".format(*(real(self.mean(column)) for column in ENERGY))


def done(rows: Iterable[Row]) -> list[Row]:
    """The rows that have a result."""
    return [row for row in rows if not row["error"]]


def designs(rows: Iterable[Row]) -> list[Mark]:
    """What was built."""
    return _marks([row for row in done(rows) if row["engine"]], (*_POLICY, "engine", "folding", "board"))


def with_energy(marks: Iterable[Mark]) -> list[Mark]:
    """The designs whose energy was estimated, each with the seeds of which it was."""
    found = [dataclasses.replace(mark, rows=tuple(row for row in mark.rows if row[ENERGY[0]] != "")) for mark in marks]
    return [mark for mark in found if mark.rows]


def policies(rows: Iterable[Row]) -> list[Mark]:
    """Every policy once: its designs act as it does, so that any of them tells its return."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in done(rows):
        found.setdefault((*(row[key] for key in _POLICY), row["seed"]), {
            **row, "engine": "", "folding": "", "board": ""})
    return _marks(list(found.values()), _POLICY)


def _marks(rows: Sequence[Row], key: Sequence[str]) -> list[Mark]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    values: dict[tuple[str, str, str], set[Any]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in key), []).append(row)
        for column in _VARIANT:
            values.setdefault((row["task"], row["algo"], column), set()).add(row[column])
    return [Mark(tuple(group), " ".join(
        text.format(group[0][column]) for column, text in _VARIANT.items()
        if group[0][column] != "" and len(values[group[0]["task"], group[0]["algo"], column] - {""}) > 1))
        for group in groups.values()]


def front(marks: Iterable[Mark]) -> list[Mark]:
    """The Pareto front: those of which none has as high a mean return with fewer LUTs; by LUTs."""
    best: list[Mark] = []
    for mark in sorted(marks, key=lambda each: (each.mean("lut"), -each.mean("return_mean"))):
        if not best or mark.mean("return_mean") > best[-1].mean("return_mean"):
            best.append(mark)
    return best
