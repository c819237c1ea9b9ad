"""The model holds on designs that it was not fitted to, by the figures in the data file."""
import pytest

from quarl.build_flows.calibration import table
from quarl.build_flows.calibration.compare import compare, spread
from quarl.build_flows.calibration.designs import FITTED, HELD_OUT, designs
from quarl.build_flows.estimate.models import MODELS


@pytest.fixture(scope="module")
def compared():
    return [compare(rows) for rows in table.read().values()]


def of_role(compared, role):
    return [one for one in compared if one.rows[0].design.role == role]


def test_luts_of_designs_that_were_not_fitted(compared):
    held_out = of_role(compared, HELD_OUT)
    median, worst = spread(one.error() for one in held_out)
    assert median <= 0.1 and worst <= 0.3
    assert {one.rows[0].design.engine for one in held_out} == set(MODELS)


def test_flip_flops_dsps_and_block_rams(compared):
    median, worst = spread(one.estimated["ff"] / one.measured["ff"] - 1 for one in of_role(compared, HELD_OUT))
    assert median <= 0.1 and worst <= 0.3
    assert all(one.estimated[kind] == one.measured[kind] for one in compared for kind in ("dsp", "bram36"))


def test_cycles_are_exact(compared):
    emulated = [one for one in compared if one.rows[0].latency is not None]
    assert emulated and all(one.cycles_are_exact for one in emulated)


def test_what_was_fitted_is_nothing_that_is_held_out(compared):
    names = {role: {one.rows[0].design.name for one in of_role(compared, role)} for role in (FITTED, HELD_OUT)}
    assert names[FITTED] and not names[FITTED] & names[HELD_OUT]


def test_the_file_holds_the_designs_that_are_drawn(compared):
    assert {one.rows[0].design for one in compared} <= set(designs())
