"""``results.parquet``: the rows and columns of ``results.csv``, typed, for those who have the extra ``parquet``."""
from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from quarl.build_flows.study import tables
from quarl.build_flows.study.grid import Study
from quarl.build_flows.study.results import Record
from quarl.host.files import write_bytes
from quarl.host.versions import NONE
from quarl.hw.tools import packages

RESULTS = "results.parquet"
# The other columns are text, widths and sizes among them: 8-3-8.
_TYPES = {**dict.fromkeys(("per_channel",), "bool"),
          **dict.fromkeys(("input_bits", "seed", "total_steps", "trained_steps", "episodes", "observations",
                           "mismatches", "lut", "lut_logic", "lut_memory", "ff", "carry4", "dsp", "lut_estimate",
                           "dsp_estimate", "latency_cycles", "latency_cycles_estimate", "interval_cycles_estimate"),
                          "int64"),
          **dict.fromkeys(("train_seconds", "return_mean", "return_std", "bram36", "lut_percent", "interval_cycles",
                           "energy_nj_estimate", "energy_nj_low", "energy_nj_high", "clock_mhz", "build_seconds"),
                          "double")}


def write(study: Study, folder: Path, records: Mapping[str, Record]) -> None:
    """Write ``folder/results.parquet`` from ``records``, null where there is nothing to say; not without pyarrow.

    Raises ``ToolError`` if the disk refuses.
    """
    if packages.version("pyarrow") == NONE:
        return
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema([(column, _TYPES.get(column, "string")) for column in tables.COLUMNS])
    rows = [{column: value for column, value in row.items() if value != ""} for row in tables.lines(study, records)]
    data = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema), data)
    write_bytes(folder / RESULTS, data.getvalue())
