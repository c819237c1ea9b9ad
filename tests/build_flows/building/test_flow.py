"""The build, whole: a small net with each engine, and the full matrix in the slow suite."""
import dataclasses
import itertools

import numpy as np
import pytest

from quarl.build_flows.building import artefacts, flow, subject
from quarl.build_flows.building.options import Options
from quarl.host.accelerator import description
from quarl.host.devices.emulator import EmulatorDevice
from quarl.host.errors import MismatchError, ToolError, UserError
from quarl.host.policy.integer import accumulators
from quarl.hw.engines.mvtu.design import Style
from quarl.models.actors.bits import Bits


def no_mismatch(result, observations):
    parity = result["parity"]
    assert parity["observations"] == observations
    assert len(parity["pairs"]) == 7
    assert all(pair["mismatches"] == 0 and pair["values"] > 0 for pair in parity["pairs"].values())


def test_the_build_has_its_reports(built):
    what, options, out = built
    result = artefacts.read(out)
    no_mismatch(result, 2000)
    assert result["estimate"]["fold"] == options.fold
    assert result["timing"]["interval_cycles"] == result["timing"]["predicted_interval_cycles"]
    assert result["timing"]["latency_cycles"] == result["timing"]["predicted_latency_cycles"]
    assert result["synth"] is None
    described = description.read(out)
    assert described.policy_hash == what.policy.hash and described.engine == "rom"
    assert described.style == {"timing": "small", "products": "lut", "weight_rom": "lut"}


def test_a_repeated_build_is_not_repeated(built):
    what, options, out = built
    before = (out / "build.json").stat().st_mtime_ns
    flow.build(what, options, out)
    assert (out / "build.json").stat().st_mtime_ns == before


def test_the_device_answers_as_the_reference(built):
    what, _, out = built
    rng = np.random.default_rng(3)
    with EmulatorDevice(what.policy, out) as device:
        for codes in rng.integers(*what.policy.input_range, (50, 5), np.int8, endpoint=True):
            reply = device.step(codes)
            assert (reply.accumulators == accumulators(what.policy, codes[None])[0]).all()
            assert reply.cycles > 0
        assert device.stats()["inferences"] == 50
        device.reset()
        assert device.stats()["inferences"] == 0


def test_the_device_refuses_another_policy(built, tmp_path):
    _, _, out = built
    other = subject.random((5, 17, 3), Bits(3, 2, 4), 1, tmp_path / "policy", 10)
    with pytest.raises(UserError, match="the accelerator must be built from this policy"), \
            EmulatorDevice(other.policy, out):
        pass


def test_a_different_torch_actor_fails_the_build_and_leaves_nothing(built, tmp_path):
    what, options, _ = built

    def trace(observations):
        arrays = what.torch_trace(observations)
        arrays[0][17, 3] += 1
        return arrays

    with pytest.raises(MismatchError, match=r"the torch actor must equal the integer reference: layer 0, channel 3, "):
        flow.build(dataclasses.replace(what, torch_trace=trace), options, tmp_path / "accel")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_build_keeps_the_one_before(built, monkeypatch):
    what, options, out = built
    kept = (out / "accel.json").read_bytes()

    def full(*args, **kwargs):
        raise ToolError("the output folder must be writable and have free space", "no space", "free some")

    monkeypatch.setattr("quarl.hw.emulation.emulator.build_emulator", full)
    with pytest.raises(ToolError):
        flow.build(what, dataclasses.replace(options, fold="min-area"), out)
    assert (out / "accel.json").read_bytes() == kept
    assert [path.name for path in out.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(("field", "value", "text"), [
    ("compute", "gpu", "--compute must be one of rom, dsp, lut, found gpu"),
    ("target", "moon", "--target must be one of emulate, synth, found moon"),
    ("fold", "flat", "--fold must be min-area, balanced, min-latency or the cycles that an action may take, "
                     "found flat"),
    ("max_lut_percent", 0, "--max-lut-percent must be above 0 and at most 100, found 0"),
])
def test_bad_options_name_the_rule(field, value, text):
    with pytest.raises(UserError, match=text.replace("--", "--")):
        Options(**{field: value})


def test_a_style_is_for_our_own_engine():
    with pytest.raises(UserError, match=r"choose how engine rom is made, found --compute dsp\. Fix: leave them out"):
        Options(compute="dsp", style=Style("fast-clock"))


def test_the_style_is_what_is_built(tmp_path):
    """DSP products and weights in block RAM, with more registers than the balanced folding of the default style."""
    what = subject.random((5, 17, 3), Bits(3, 3, 4), 0, tmp_path / "policy", 500)
    result = flow.build(what, Options(style=Style("fast-clock", "dsp", "block")), tmp_path / "accel")
    no_mismatch(result, 500)
    assert result["timing"]["latency_cycles"] == result["timing"]["predicted_latency_cycles"]
    assert 'PRODUCTS("dsp")' in (tmp_path / "accel" / "rtl" / "MVTU_rtl_0.v").read_text()


def test_beats_are_not_lost_when_simd_is_the_whole_input(tmp_path):
    """MW == SIMD under back-pressure: FINN's unit loses beats there without our patch."""
    what = subject.random((7, 12, 3), Bits(4, 3, 5), 0, tmp_path / "policy", 3000)
    result = build_with(what, "dsp", [(1, 7), (3, 12)], tmp_path / "accel")
    no_mismatch(result, 3000)


def build_with(what, engine, folding, out):
    """Build with a given folding instead of a chosen one."""
    from quarl.build_flows.estimate.shape import Folding, shapes
    from quarl.build_flows.folding import planning as chooser
    from quarl.build_flows.folding.planning import Plan

    plan = Plan(engine, "balanced", tuple(shapes(what.policy)), tuple(Folding(*f) for f in folding), 0, 0, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chooser, "choose", lambda *arguments: plan)
        return flow.build(what, Options(compute=engine), out)


@pytest.mark.slow
@pytest.mark.parametrize(("bits", "engine", "fold"), itertools.product((2, 3, 4, 6, 8), ("rom", "dsp", "lut"),
                                                                       ("min-area", "balanced", "min-latency")))
@pytest.mark.parametrize("dims", [(5, 17, 3), (8, 64, 64, 4)])
def test_every_width_engine_and_folding_is_bit_exact(dims, bits, engine, fold, tmp_path):
    what = subject.random(dims, Bits(bits, bits, 8 if dims[0] == 8 else bits), bits, tmp_path / "policy")
    result = flow.build(what, Options(compute=engine, fold=fold), tmp_path / "accel")
    no_mismatch(result, subject.OBSERVATIONS)
    assert result["timing"]["latency_cycles"] == result["timing"]["predicted_latency_cycles"]
