import dataclasses
import json
import re

import pytest

from quarl.host.accelerator import description
from quarl.host.accelerator.description import Accelerator
from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.errors import ToolError, UserError
from tests.host.helpers import refused

FIX = "build the accelerator again with `quarl build RUN`"
GEOMETRY = Geometry(Stream(2, 2, 4, 8), Stream(1, 2, 11, 24, signed=False))


def make_accelerator(**changes):
    fields = {"policy_hash": "ab" * 32, "build_id": 0xABABABAB, "board": "pynq-z2", "engine": "rom",
              "fold": "balanced", "clock_mhz": 100.0, "geometry": GEOMETRY, "latency_cycles": 31,
              "interval_cycles": 8.5, "folding": [{"pe": 1, "simd": 2}], "versions": {"verilator": "5.48"},
              "style": {"timing": "small"}}
    return Accelerator(**{**fields, **changes})


def edit(folder, change):
    path = folder / "accel.json"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(change(fields) or fields))


@pytest.mark.parametrize("changes", [{}, {"folding": [], "versions": {}, "style": {}}])
def test_round_trip(tmp_path, changes):
    description.write(make_accelerator(**changes), tmp_path / "accel")
    assert description.read(str(tmp_path / "accel")) == make_accelerator(**changes)
    assert [path.name for path in (tmp_path / "accel").iterdir()] == ["accel.json"]


def test_round_trip_of_defaults(tmp_path):
    fields = dataclasses.fields(Accelerator)
    optional = ("folding", "versions", "style", "base_address")
    required = {f.name: getattr(make_accelerator(), f.name) for f in fields if f.name not in optional}
    description.write(Accelerator(**required), tmp_path)
    found = description.read(tmp_path)
    assert list(found.folding) == [] and found.versions == {} and found.style == {} and found.base_address is None


def test_missing_file(tmp_path):
    with refused(UserError, "a built accelerator has an accel.json",
                 f"No such file or directory at {tmp_path}/accel.json", FIX):
        description.read(tmp_path)


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_other_schema(tmp_path, schema):
    description.write(make_accelerator(), tmp_path)
    edit(tmp_path, lambda fields: fields.update(schema=schema))
    with refused(UserError, "the accelerator schema must be 1", str(schema), FIX):
        description.read(tmp_path)


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Accelerator)
                                   if f.name not in ("folding", "versions", "style", "base_address")])
def test_missing_field(tmp_path, field):
    description.write(make_accelerator(), tmp_path)
    edit(tmp_path, lambda fields: fields.pop(field) and None)
    with refused(UserError, "accel.json must hold every field of an accelerator",
                 re.compile(f".*'{field}' in {re.escape(str(tmp_path))}/accel.json"), FIX):
        description.read(tmp_path)


@pytest.mark.parametrize("change", [
    lambda fields: fields.update(more=1), lambda fields: fields.update(geometry=3),
    lambda fields: fields["geometry"].pop("action") and None,
    lambda fields: fields["geometry"]["action"].pop("bits") and None,
    lambda fields: fields["geometry"]["observation"].update(more=1), lambda fields: [1], lambda fields: "text",
    lambda fields: 3], ids=["more", "geometry", "action", "bits", "stream", "list", "text", "number"])
def test_other_fields(tmp_path, change):
    description.write(make_accelerator(), tmp_path)
    edit(tmp_path, change)
    with refused(UserError, "accel.json must hold every field of an accelerator",
                 re.compile(f".+ in {re.escape(str(tmp_path))}/accel.json"), FIX):
        description.read(tmp_path)


@pytest.mark.parametrize("data", [b"", b"{", b'{"schema": 1', b"\xff\xfe"])
def test_broken_json(tmp_path, data):
    (tmp_path / "accel.json").write_bytes(data)
    with refused(UserError, "accel.json must hold every field of an accelerator",
                 re.compile(f".+ in {re.escape(str(tmp_path))}/accel.json"), FIX):
        description.read(tmp_path)


def test_write_where_a_file_is_in_the_way(tmp_path):
    (tmp_path / "accel").write_bytes(b"")
    with pytest.raises(ToolError, match="the output folder must be writable and have free space"):
        description.write(make_accelerator(), tmp_path / "accel")
