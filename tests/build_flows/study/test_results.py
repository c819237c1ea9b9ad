"""Kept results, and the files that are made of them."""
import csv
import json

import pytest

from quarl.build_flows.study import results, tables
from quarl.build_flows.study.grid import Point, Row, Study
from quarl.host.errors import UserError
from tests.build_flows.study.study_work import design_record, record


def point(precision="qat4", seed=0, algo="ppo", **changes):
    return Point("CartPole-v1", algo, precision, seed, {"total_steps": 512, "net_arch": [32, 16]}, episodes=2,
                 **changes)


def test_a_result_is_read_as_it_was_written(tmp_path):
    assert results.read(tmp_path, point()) is None
    written = results.write(tmp_path, point(), record())
    assert results.read(tmp_path, point()) == written
    assert written["name"] == point().name and written["point"]["task"] == "CartPole-v1"
    assert results.is_done(written)
    assert results.summary(written) == "return 1.5 ± 0.5"


def test_a_failure_is_kept_and_not_done(tmp_path):
    failed = results.write(tmp_path, point(), {"error": "out of luck"})
    assert results.read(tmp_path, point()) == failed
    assert not results.is_done(failed)
    assert results.summary(failed) == "failed: out of luck"


def test_another_number_of_episodes_is_another_result(tmp_path):
    results.write(tmp_path, point(), record((1.0, 2.0, 3.0)))
    assert results.read(tmp_path, point()) is None


@pytest.mark.parametrize("damage", [
    lambda text: text[:100],
    lambda text: "[]",
    lambda text: text.replace('"seed": 0', '"seed": 7'),            # another point's
    lambda text: text.replace('"returns"', '"retruns"'),
    lambda text: text.replace("2.0\n", "NaN\n"),
    lambda text: text.replace('"trained_timesteps"', '"steps"'),
])
def test_a_damaged_result_is_named_with_the_fix(tmp_path, damage):
    results.write(tmp_path, point(), record())
    path = results.path_of(tmp_path, point())
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError, match=r"^a result of a study must be whole, found .* in .*%s.json. Fix: restore it, "
                                        r"or delete it: its point will be run again" % point().name):
        results.read(tmp_path, point())


def test_a_design_is_whole_only_with_its_hardware(tmp_path):
    design = point(engine="rom", folding="balanced")
    written = results.write(tmp_path, design, design_record())
    assert results.read(tmp_path, design) == written
    assert results.summary(written) == "return 1.5 ± 0.5, 1234 LUT, 92 cycles"
    for broken in (record(), record(hardware={"synthesis": {}})):
        results.write(tmp_path, design, broken)
        with pytest.raises(UserError, match="a result of a study must be whole"):
            results.read(tmp_path, design)


def test_a_design_whose_energy_is_wanted_is_done_only_with_it(tmp_path):
    with_energy = point(engine="rom", folding="balanced", energy=True)
    without = point(engine="rom", folding="balanced")
    assert with_energy.name == without.name, "it is the same point"
    written = results.write(tmp_path, without, design_record())
    assert results.read(tmp_path, with_energy) is None and results.read(tmp_path, without) == written
    written["hardware"]["energy_nj"] = {"low": 1.0, "nominal": 2.5, "high": 6.0}
    results.write(tmp_path, with_energy, written)
    assert results.read(tmp_path, with_energy) == results.read(tmp_path, without) == written
    line = tables.line(with_energy, written)
    assert [line["energy_nj_" + key] for key in ("estimate", "low", "high")] == [2.5, 1.0, 6.0]
    assert tables.line(without, design_record())["energy_nj_estimate"] == ""
    policy = point(energy=True)
    assert results.read(tmp_path, policy) is None
    results.write(tmp_path, policy, record())
    assert results.is_done(results.read(tmp_path, policy)), "a policy without hardware has no energy"


def test_tables_of_designs(tmp_path):
    points = tuple(point("qatW8-3-8A4", seed, engine=engine, folding="balanced") for engine in ("rom", "dsp")
                   for seed in (0, 1))
    study = Study("mine", (Row("core", "CartPole-v1", "ppo", "", (point("fp32"), *points)),), {})
    large = design_record((3.0, 4.0))
    large["hardware"]["synthesis"]["lut"] = 1235
    found = {points[0]: design_record(), points[1]: large, points[2]: {"error": "does not fit"}}
    records = {p.name: results.write(tmp_path, p, r) for p, r in found.items()}
    assert tables.table(study, records)[1] == []
    assert tables.designs(study, records)[1] == [
        ["CartPole-v1", "ppo", "qatW8-3-8A4", "rom", "balanced", "pynq-z2", "2.5 ± 1.1", "1,234.5", "1,300", "0", "0",
         "0", "92", "92", "64"],
        ["CartPole-v1", "ppo", "qatW8-3-8A4", "dsp", "balanced", "pynq-z2", "(1 failed)", *[""] * 8]]
    tables.write(study, tmp_path, records)
    assert "| CartPole-v1 | ppo | qatW8-3-8A4 | rom | balanced | pynq-z2 | 2.5 ± 1.1 | 1,234.5 |" in (
        tmp_path / "table.md").read_text()
    first, failed, _ = csv.DictReader((tmp_path / "results.csv").open())
    assert {key: value for key, value in first.items() if key in tables.COLUMNS[:12]} == {
        "task": "CartPole-v1", "algo": "ppo", "precision": "qatW8-3-8A4", "method": "qat", "weight_bits": "8-3-8",
        "act_bits": "4", "input_bits": "8", "per_channel": "False", "hidden": "32-16", "engine": "rom",
        "folding": "balanced", "seed": "0"}
    assert (first["backend"], first["board"], first["lut"], first["lut_percent"], first["lut_estimate"],
            first["latency_cycles"], first["latency_cycles_estimate"], first["interval_cycles"], first["mismatches"],
            first["build_seconds"]) == ("integer", "pynq-z2", "1234", "2.3", "1300", "92", "92", "64.0", "0", "40.0")
    assert (failed["engine"], failed["board"], failed["error"], failed["lut"]) == ("dsp", "pynq-z2", "does not fit", "")


def test_a_design_that_two_parts_share_is_one_row():
    shared, other = (point(p, engine="rom", folding="balanced") for p in ("qat4", "qatW4A3"))
    study = Study("mine", (Row("core", "CartPole-v1", "ppo", "", (shared,)),
                           Row("grid", "CartPole-v1", "ppo", "", (other, shared))), {})
    _, rows = tables.designs(study, {made.name: design_record() for made in (shared, other)})
    assert [row[2] for row in rows] == ["qat4", "qatW4A3"]


def test_boards_are_rows_of_their_own():
    points = tuple(point("qat4", engine="rom", folding="balanced", board=board) for board in ("pynq-z2", "kv260"))
    study = Study("mine", (Row("core", "CartPole-v1", "ppo", "", points),), {})
    records = {made.name: design_record() for made in points}
    records[points[1].name]["hardware"]["synthesis"]["lut"] = 2000
    columns, rows = tables.designs(study, records)
    assert [(row[columns.index("board")], row[columns.index("LUT")]) for row in rows] == [
        ("pynq-z2", "1,234"), ("kv260", "2,000")]
    assert [tables.line(made, records[made.name])["board"] for made in points] == ["pynq-z2", "kv260"]


def test_the_table_of_designs_has_energy_where_it_was_estimated(tmp_path):
    points = tuple(point("qat4", seed, engine=engine, folding="balanced") for engine in ("rom", "dsp")
                   for seed in (0, 1))
    study = Study("mine", (Row("core", "CartPole-v1", "ppo", "", points),), {})
    records = {p.name: design_record() for p in points}
    tables.write(study, tmp_path, records)
    assert "nJ" not in (tmp_path / "table.md").read_text() and "nJ (est.)" not in tables.designs(study, records)[0]
    for made, energy in ((points[0], 60.0), (points[1], 61.0)):
        records[made.name]["hardware"]["energy_nj"] = {"low": 40.0, "nominal": energy, "high": 200.0}
    columns, rows = tables.designs(study, records)
    assert columns[-1] == "nJ (est.)" and [row[-1] for row in rows] == ["60.5", ""]
    del records[points[1].name]["hardware"]["energy_nj"]
    assert tables.designs(study, records)[1][0][-1] == "60", "the mean of the seeds that have it"
    tables.write(study, tmp_path, records)
    text = (tmp_path / "table.md").read_text()
    assert "| latency | est. | interval | nJ (est.) |" in text and "| 92 | 92 | 64 | 60 |" in text
    assert "nJ (est.): the energy of an action, an estimate from toggles of the synthesised netlist " in text


def test_tables(tmp_path):
    rows = (Row("core", "CartPole-v1", "ppo", "", tuple(point(p, s) for p in ("fp32", "ptq8", "qat2") for s in (0, 1))),
            Row("core", "CartPole-v1", "a2c", "per channel", (point("qat4", algo="a2c", per_channel=True),)),
            Row("core", "CartPole-v1", "dqn", "", (point("fp32", algo="dqn"),)))
    study = Study("mine", rows, {"CartPole-v1": {"ppo": 500}})
    fp32 = record(parity=None, training={"trained_timesteps": 4096, "seconds": 1.0})
    found = {point("fp32", 0): record((10.0, 20.0), **{k: fp32[k] for k in ("parity", "training")}),
             point("fp32", 1): record((30.0, 40.0), **{k: fp32[k] for k in ("parity", "training")}),
             point("ptq8", 0): record((5.0, 5.0)), point("qat2", 0): {"error": "broken"},
             rows[1].points[0]: {"error": "broken too"}}
    records = {p.name: results.write(tmp_path, p, r) for p, r in found.items()}
    tables.write(study, tmp_path, records)
    assert [line for line in (tmp_path / "table.md").read_text().splitlines() if line.startswith("|")] == [
        "| task | algorithm | steps | rl-zoo | fp32 | PTQ 8 | QAT 4 | QAT 2 |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| CartPole-v1 | ppo | 4,096 | 500.0 | 25.0 ± 11.2 | 5.0 ± 0.0 (1 of 2 seeds) |  | (1 failed) |",
        "| CartPole-v1 | a2c (per channel) |  |  |  |  | (1 failed) |  |"]
    lines = list(csv.DictReader((tmp_path / "results.csv").open()))
    assert [(line["name"], line["error"]) for line in lines] == [
        (p.name, records[p.name].get("error", "")) for p in study.points() if p.name in records]
    first = lines[0]
    assert {key: first[key] for key in ("task", "algo", "precision", "input_bits", "seed", "total_steps",
                                        "trained_steps", "episodes", "return_mean", "return_std", "mismatches")} == {
        "task": "CartPole-v1", "algo": "ppo", "precision": "fp32", "input_bits": "", "seed": "0", "total_steps": "512",
        "trained_steps": "4096", "episodes": "2", "return_mean": "15.0", "return_std": "5.0", "mismatches": ""}
    assert lines[1]["precision"] == "ptq8" and lines[1]["mismatches"] == "0" and lines[1]["observations"] == "10000"
    assert json.loads(results.path_of(tmp_path, point("qat2", 0)).read_text())["error"] == "broken"


def test_tables_without_results(tmp_path):
    study = Study("mine", (Row("core", "CartPole-v1", "ppo", "", (point(),)),), {})
    tables.write(study, tmp_path, {})
    assert (tmp_path / "results.csv").read_text().count("\n") == 1
    assert tables.table(study, {}) == (["task", "algorithm", "steps", "rl-zoo", "QAT 4"], [])
