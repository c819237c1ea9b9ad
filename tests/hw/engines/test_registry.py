"""Each engine has its record, its model and its lowering, and a name that is none is refused."""
import pytest

from quarl.build_flows.estimate.models import MODELS
from quarl.build_flows.lowering import lower
from quarl.host.errors import UserError
from quarl.hw.engines.registry import ENGINES, engine_of, uses_dsps


def test_every_engine_is_whole():
    assert list(ENGINES) == list(MODELS) == list(lower._HARDWARE)
    for name, engine in ENGINES.items():
        assert engine_of(name) is engine and engine.name == name
        assert engine.margin > 1 and all(path.is_file() for path in engine.replaces.values())


def test_what_uses_dsp_slices():
    assert [uses_dsps(*each) for each in (("rom", "lut"), ("rom", "dsp"), ("dsp", None), ("lut", None))] == [
        False, True, True, False]


@pytest.mark.parametrize("option", ["--compute", "--engine"])
def test_a_name_that_is_none(option):
    with pytest.raises(UserError, match=f"^{option} must be one of rom, dsp, lut, found tpu"):
        engine_of("tpu", option)
