"""The data file ``measured.csv``: a row for every layer of every measured design."""
from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable
from pathlib import Path

from quarl.build_flows.calibration.designs import Design
from quarl.build_flows.estimate.shape import Folding
from quarl.host.files import write_bytes

MEASURED = Path(__file__).with_name("measured.csv")
PARTS = ("unit", "thresholds", "fifos", "converter")      # of a layer: its nodes, by kind
KINDS = ("lut", "lut_memory", "ff", "dsp", "bram36")      # what Yosys counts


@dataclasses.dataclass(frozen=True)
class Row:
    """A layer of a design as it was synthesised in its place there.

    ``counts`` are those of each part by kind. ``finn`` is FINN's own estimate of its layers: LUTs, DSPs and BRAMs of
    its RTL nodes, and LUTs of the unit that its HLS library would make of the same layer. ``latency`` (from the
    offer of the first input beat to the last output beat) and ``interval`` are cycles of the whole design, in the
    emulated RTL; None as long as it was only synthesised.
    """

    design: Design
    layer: int
    counts: dict[str, dict[str, float]]
    finn: dict[str, float]
    latency: int | None
    interval: float | None

    def total(self, kind: str) -> float:
        """The count of all parts."""
        return sum(counts[kind] for counts in self.counts.values())


FINN = ("finn_lut", "finn_hls_lut", "finn_dsp", "finn_bram36")
_WHAT = ("role", "engine", "dims", "weight_bits", "act_bits", "input_bits", "folding", "layer", "inputs", "outputs",
         "pe", "simd")
_COLUMNS = (*_WHAT, *(f"{part}_{kind}" for part in PARTS for kind in KINDS), *FINN, "latency", "interval")


def read(path: Path = MEASURED) -> dict[Design, list[Row]]:
    """The rows of each design, in the order of its layers; nothing if there is no file."""
    found: dict[Design, list[Row]] = {}
    if path.exists():
        with path.open(newline="") as file:
            for fields in csv.DictReader(file):
                row = _parsed(fields)
                found.setdefault(row.design, []).append(row)
    return found


def write(designs: Iterable[list[Row]], path: Path = MEASURED) -> None:
    """Write the rows of each design. Raises ``ToolError`` if the disk refuses."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_fields(row) for rows in designs for row in rows)
    write_bytes(path, text.getvalue().encode())


def _parsed(fields: dict[str, str]) -> Row:
    folding = tuple(Folding(*map(int, layer.split("x"))) for layer in fields["folding"].split())
    design = Design(fields["role"], fields["engine"], tuple(map(int, fields["dims"].split("-"))),
                    int(fields["weight_bits"]), int(fields["act_bits"]), int(fields["input_bits"]), folding)
    return Row(design, int(fields["layer"]),
               {part: {kind: float(fields[f"{part}_{kind}"]) for kind in KINDS} for part in PARTS},
               {name: float(fields[name]) for name in FINN},
               int(fields["latency"]) if fields["latency"] else None,
               float(fields["interval"]) if fields["interval"] else None)


def _fields(row: Row) -> dict[str, str]:
    design, fold = row.design, row.design.folding[row.layer]
    return {"role": design.role, "engine": design.engine, "dims": "-".join(map(str, design.dims)),
            "weight_bits": str(design.weight_bits), "act_bits": str(design.act_bits),
            "input_bits": str(design.input_bits),
            "folding": " ".join("%dx%d" % (layer.pe, layer.simd) for layer in design.folding),
            "layer": str(row.layer), "inputs": str(design.dims[row.layer]), "outputs": str(design.dims[row.layer + 1]),
            "pe": str(fold.pe), "simd": str(fold.simd),
            **{f"{part}_{kind}": "%g" % row.counts[part][kind] for part in PARTS for kind in KINDS},
            **{name: "%g" % row.finn[name] for name in FINN},
            "latency": "" if row.latency is None else str(row.latency),
            "interval": "" if row.interval is None else "%.10g" % row.interval}
