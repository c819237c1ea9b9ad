"""The fit of the LUT model; what it is fitted to takes half an hour to synthesise."""
import numpy as np
import pytest

from build_flows import calibrate
from build_flows.calibrate import Row, fit, show
from build_flows.rom_resources import FEATURES


def rows(coefficients, count=200):
    """Layers of random structure that cost just what ``coefficients`` say."""
    rng = np.random.default_rng(0)
    found = []
    for index in range(count):
        counts = {name: rng.uniform(0, 500) / calibrate._EXPECTED.get(name, 1) for name in FEATURES}
        lut = sum(coefficients[name] * count for name, count in counts.items())
        found.append(Row(f"layer {index}", {**counts, "flip-flops": 100.0}, lut, 110.0))
    return found


def test_the_coefficients_are_found_again():
    truth = {name: (0.7 + 0.04 * index) * calibrate._EXPECTED.get(name, 1) for index, name in enumerate(FEATURES)}
    truth["memory"] = 1.0
    assert fit(rows(truth)) == pytest.approx(truth, rel=0.05)


def test_nothing_measured_leaves_what_is_expected():
    assert fit([Row("a layer", {"memory": 8.0}, 8.0, 1.0)]) == {
        name: calibrate._EXPECTED.get(name, 1.0) for name in FEATURES}


def test_measured_and_predicted_are_shown_side_by_side(capsys):
    show("Held out", rows(dict.fromkeys(FEATURES, 2.0), 3), dict.fromkeys(FEATURES, 2.2))
    shown = capsys.readouterr().out
    assert "layer 2" in shown and shown.count("+10.0") >= 3 and shown.count("-9.1") == 3
    assert "mean error 10.0 %, largest 10.0 %; of all of them together +10.0 %" in shown
