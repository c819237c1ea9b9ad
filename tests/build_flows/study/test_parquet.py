"""``results.parquet``: it says what ``results.csv`` says, with types."""
import csv
import sys

import pytest

from quarl.build_flows import cli
from quarl.build_flows.study import parquet, results, tables
from quarl.build_flows.study.grid import Point, Row, Study
from quarl.build_flows.study.read import read_study
from quarl.host.errors import ToolError
from tests.build_flows.study.study_work import design_record, record

needs_pyarrow = pytest.mark.skipif(parquet.packages.version("pyarrow") == "none",
                                   reason="no pyarrow: pip install 'quarl-fpga[parquet]'")


def point(precision, seed=0, **changes):
    return Point("CartPole-v1", "ppo", precision, seed, {"total_steps": 512, "net_arch": [32, 16]}, episodes=2,
                 **changes)


@pytest.fixture
def study():
    """A policy in fp32, one with bits, designs with and without energy, and a failed one; and their results."""
    full = design_record((0.1, 0.2))
    full["hardware"] |= {"energy_nj": {"low": 44.5, "nominal": 61, "high": 267.1}}
    full["hardware"]["synthesis"] |= {"bram36": 0.5}
    found = {point("fp32"): record(parity=None), point("qatW8-3-8A4", per_channel=True): record(),
             point("qat4", 1, engine="rom", folding="100"): full,
             point("qat4", 2, engine="dsp", folding="balanced"): design_record(),
             point("qat4", 3, engine="dsp", folding="balanced"): {"error": 'does not fit, "at all"'}}
    return (Study("mine", (Row("core", "CartPole-v1", "ppo", "", tuple(found)),), {}),
            {made.name: {"name": made.name, "point": made.describe(), **each} for made, each in found.items()})


def read(path):
    from pyarrow.parquet import ParquetFile
    return ParquetFile(path).read(use_threads=False)


@needs_pyarrow
def test_has_the_rows_and_columns_of_the_csv(study, tmp_path):
    tables.write(study[0], tmp_path, study[1])
    parquet.write(study[0], tmp_path, study[1])
    with (tmp_path / "results.csv").open() as file:
        lines = list(csv.DictReader(file))
    table = read(tmp_path / "results.parquet")
    rows = table.to_pylist()
    assert table.column_names == list(lines[0]) == list(tables.COLUMNS) and len(rows) == len(lines) == 5
    texts = {float: float, int: int, str: str, bool: {"True": True, "False": False}.get}
    for row, line in zip(rows, lines, strict=True):
        for column, value in row.items():
            if value is None:
                assert line[column] == "", column
            else:
                assert texts[type(value)](line[column]) == value, column
    assert all(any(row[column] is not None for row in rows) for column in tables.COLUMNS)


@needs_pyarrow
def test_types_do_not_depend_on_the_results(study, tmp_path):
    parquet.write(study[0], tmp_path, study[1])
    schema = read(tmp_path / "results.parquet").schema
    assert {column: str(schema.field(column).type) for column in (
        "task", "weight_bits", "per_channel", "folding", "seed", "input_bits", "return_mean", "mismatches", "lut",
        "bram36", "latency_cycles", "interval_cycles", "energy_nj_estimate", "clock_mhz", "error")} == {
        "task": "string", "weight_bits": "string", "per_channel": "bool", "folding": "string", "seed": "int64",
        "input_bits": "int64", "return_mean": "double", "mismatches": "int64", "lut": "int64", "bram36": "double",
        "latency_cycles": "int64", "interval_cycles": "double", "energy_nj_estimate": "double",
        "clock_mhz": "double", "error": "string"}
    parquet.write(study[0], tmp_path / "none", {})
    none = read(tmp_path / "none" / "results.parquet")
    assert none.schema == schema and none.num_rows == 0


@needs_pyarrow
def test_values_are_of_their_types_and_null_where_the_csv_is_empty(study, tmp_path):
    parquet.write(study[0], tmp_path, study[1])
    rows = {row["precision"] + str(row["seed"]): row for row in read(tmp_path / "results.parquet").to_pylist()}
    assert rows["qatW8-3-8A40"]["weight_bits"] == "8-3-8" and rows["qatW8-3-8A40"]["per_channel"] is True
    assert [rows["fp320"][column] for column in ("per_channel", "input_bits", "engine", "lut", "error")] == [None] * 5
    design = rows["qat41"]
    assert (design["folding"], design["lut"], design["bram36"]) == ("100", 1234, 0.5)
    assert (design["clock_mhz"], design["energy_nj_estimate"], design["energy_nj_high"]) == (100.0, 61.0, 267.1)
    assert design["return_mean"] == pytest.approx(0.15, abs=1e-15) and rows["qat42"]["energy_nj_low"] is None
    assert rows["qat43"]["error"] == 'does not fit, "at all"' and rows["qat43"]["return_mean"] is None


def test_without_pyarrow_nothing_is_written_or_said(study, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(parquet.packages, "version", lambda name: "none")
    monkeypatch.setitem(sys.modules, "pyarrow", None)            # importing it fails
    parquet.write(study[0], tmp_path, study[1])
    assert list(tmp_path.iterdir()) == [] and capsys.readouterr() == ("", "")


@needs_pyarrow
def test_a_disk_that_refuses_is_one_error(study, tmp_path):
    (tmp_path / "kept").touch()
    with pytest.raises(ToolError, match="the output folder must be writable and have free space, found "):
        parquet.write(study[0], tmp_path / "kept", study[1])


@needs_pyarrow
def test_the_command_writes_it_with_the_page(tmp_path, capsys):
    yaml, kept = tmp_path / "small.yaml", tmp_path / "results" / "small"
    yaml.write_text("name: small\nepisodes: 2\ngroups:\n"
                    "  - {tasks: CartPole-v1, algos: ppo, steps: 512, precisions: [qat4], seeds: 0}\n")
    made, = read_study(yaml).points()
    results.write(kept, made, record())

    def seeds(*options):
        assert cli.main(["study", str(yaml), *options]) == 0
        capsys.readouterr()
        return (kept / "results.parquet").exists() and read(kept / "results.parquet")["seed"].to_pylist()

    assert seeds("--dry-run") is False
    assert seeds("--runs", str(tmp_path / "runs")) == [0]
    (kept / "results.parquet").unlink()
    assert seeds("--runs", str(tmp_path / "runs")) is False, "with the page, which is up to date"
    assert seeds("--report") == [0]
