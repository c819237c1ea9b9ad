"""The fit of the LUT model, without synthesis, and what is printed and drawn of it."""
import dataclasses

import numpy as np
import pytest

from quarl.build_flows.calibration import fit as calibrate
from quarl.build_flows.calibration import table
from quarl.build_flows.calibration.compare import compare
from quarl.build_flows.calibration.designs import FITTED, HELD_OUT
from quarl.build_flows.calibration.fit import FEATURES, draw, fit, parts, show
from quarl.build_flows.estimate import resources


def random_parts(coefficients, count=4000):
    """Parts of a few kinds each, that cost just what ``coefficients`` say."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        counts = {name: rng.uniform(0, 500) / calibrate._EXPECTED.get(name, 1)
                  for name in rng.choice(FEATURES, 3, replace=False)}
        lut = sum(coefficients[name] * count for name, count in counts.items())
        found.append((counts, lut, 1.5 * lut))
    return found


def test_the_coefficients_are_found_again():
    truth = {name: (0.7 + 0.02 * index) * calibrate._EXPECTED.get(name, 1) for index, name in enumerate(FEATURES)}
    truth["memory"] = 1.0
    assert fit(random_parts(truth)) == pytest.approx(truth, rel=0.1)


def test_nothing_measured_leaves_what_is_expected():
    assert fit([({"memory": 8.0}, 8.0, 8.0)]) == {name: calibrate._EXPECTED.get(name, 1.0) for name in FEATURES}


@pytest.fixture(scope="module")
def measured():
    """The rows of a design of each role, emulated where it is held out."""
    every = table.read()
    return {role: next(rows for design, rows in every.items() if (design.role, design.engine) == (role, "dsp")
                       and (role == FITTED or rows[0].latency is not None)) for role in (FITTED, HELD_OUT)}


def test_parts_are_the_layers_measured_parts(measured):
    rows = measured[FITTED]
    found = parts(rows)
    assert sum(lut for _, lut, _ in found) == sum(row.total("lut") for row in rows)
    assert {whole for *_, whole in found} == {row.total("lut") for row in rows}
    assert all(counts for counts, lut, _ in found if lut)


def test_the_file_of_coefficients_is_what_the_data_say():
    """A refit changes nothing: data, structure and coefficients belong together."""
    rows = [part for design, rows in table.read().items() if design.role == FITTED for part in parts(rows)]
    assert fit(rows) == pytest.approx(resources.coefficients(), abs=2e-3)


def test_measured_and_estimated_are_shown_side_by_side(measured, capsys):
    one = compare(measured[HELD_OUT])
    one.estimated["lut"] = 1.25 * one.measured["lut"]
    show([one])
    shown = capsys.readouterr().out
    assert "+25.0" in shown and "held out, dsp: 1 designs, LUT error median 25.0 %, largest 25.0 %" in shown


def test_a_point_is_drawn_for_every_design(measured, tmp_path):
    draw([compare(rows) for rows in measured.values()], tmp_path)
    picture = (tmp_path / "resources.svg").read_text()
    assert "LUTs of a design, held out" in picture and "synthesised by Yosys" in picture


def test_fewer_cycles_than_measured_are_not_exact(measured):
    one = compare(measured[HELD_OUT])
    assert one.cycles_are_exact
    assert not dataclasses.replace(one, latency=one.latency - 1).cycles_are_exact
