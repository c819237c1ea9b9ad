"""Synthesis figures gathered by layer, and designs that turn out too large."""
import json

import pytest

from quarl.build_flows.building import artefacts
from quarl.build_flows.building.options import Options
from quarl.host.errors import UserError
from quarl.hw.boards import board
from quarl.models.actors.bits import Bits
from quarl.models.export.random_policy import random_policy

NAMES = ("lut", "lut_logic", "lut_memory", "ff", "carry4", "dsp", "bram36")


def counts(lut):
    return dict.fromkeys(NAMES, 0) | {"lut": lut}


def found(**percent):
    layers = {"StreamingFIFO_rtl_0": counts(5), "MVAU_rtl_0": counts(100), "Thresholding_rtl_0": counts(20),
              "StreamingDataWidthConverter_rtl_0": counts(7), "MVAU_rtl_1": counts(50)}
    return {"total": counts(222), "layers": layers, "bridge": counts(40), "seconds": 1.0,
            "percent": {"lut": 10.0, "lut_memory": 0.0, "ff": 0.0, "dsp": 0.0, "bram36": 0.0, **percent}}


def test_nodes_are_gathered_by_layer(tmp_path):
    artefacts.write_synthesis(tmp_path, found(), board("pynq-z2"), 70)
    report = json.loads((tmp_path / "reports" / "synth.json").read_text())
    assert {name: group["lut"] for name, group in report["groups"].items()} == {
        "layer 0": 120, "layer 1": 50, "streams": 12, "bridge": 40}
    assert sum(group["lut"] for group in report["groups"].values()) == report["total"]["lut"]


@pytest.mark.parametrize(("percent", "text"), [
    ({"lut": 71.26}, "the synthesised design must fit 70 % of the lut of pynq-z2, found 71.3 %. "
                     "Fix: choose --fold balanced or min-area, or change --max-lut-percent."),
    ({"ff": 130.0}, "the synthesised design must fit 100 % of the ff of pynq-z2, found 130.0 %."),
])
def test_a_design_that_turns_out_too_large_is_refused(percent, text, tmp_path):
    with pytest.raises(UserError) as caught:
        artefacts.write_synthesis(tmp_path, found(**percent), board("pynq-z2"), 70)
    assert text in str(caught.value)


def test_a_folder_without_a_mark_is_not_built(tmp_path):
    assert not artefacts.is_built(tmp_path, "key", ("emulate",))
    artefacts.mark(tmp_path, "key", "emulate")
    assert artefacts.is_built(tmp_path, "key", ("emulate", "synth"))
    assert not artefacts.is_built(tmp_path, "key", ("synth",))
    assert not artefacts.is_built(tmp_path, "other", ("emulate",))


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_text("{}")])
def test_a_missing_or_altered_file_is_built_again(damage, tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "parity.json").write_text('{"observations": 1}')
    artefacts.mark(tmp_path, "key", "emulate")
    assert artefacts.is_built(tmp_path, "key", ("emulate",))
    damage(tmp_path / "reports" / "parity.json")
    assert not artefacts.is_built(tmp_path, "key", ("emulate",))


@pytest.mark.parametrize("report", ["fmax.json", "energy.json"])
def test_another_estimate_of_clock_or_energy_is_no_damage(report, tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / report).write_text("{}")
    artefacts.mark(tmp_path, "key", "bitstream")
    (tmp_path / "reports" / report).write_text('{"mhz": 80}')
    assert artefacts.is_built(tmp_path, "key", ("bitstream",))


def test_the_key_knows_options_and_policy(tmp_path):
    _, policy = random_policy((3, 4, 2), Bits(4, 4, 8), 0)
    _, other = random_policy((3, 4, 2), Bits(4, 4, 8), 1)
    keys = {artefacts.key(policy, Options()), artefacts.key(other, Options()),
            artefacts.key(policy, Options(compute="lut")), artefacts.key(policy, Options(fold="min-area"))}
    assert len(keys) == 4
    assert artefacts.key(policy, Options()) in keys


