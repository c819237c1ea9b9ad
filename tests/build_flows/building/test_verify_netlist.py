"""Policies after synthesis: the netlist of every engine computes the integer reference, in the RTL's own cycles."""
import dataclasses
import re

import numpy as np
import pytest

from quarl.build_flows.building import flow, parity, subject
from quarl.build_flows.building.options import Options
from quarl.build_flows.estimate.shape import Folding
from quarl.build_flows.lowering import describe_nodes
from quarl.build_flows.lowering.lower import lower
from quarl.build_flows.lowering.session import finn_session
from quarl.host.devices.emulator import Emulator
from quarl.host.errors import MismatchError
from quarl.hw.boards import board
from quarl.hw.emulation.emulator import build_emulator
from quarl.hw.engines.mvtu.design import SMALL, Style
from quarl.hw.engines.registry import ENGINES
from quarl.hw.shell.shell import write_shell
from quarl.hw.stitching.stitch import stitch
from quarl.hw.synthesis.netlist import write_netlist
from quarl.models.actors.bits import Bits

WIDE = (8, 64, 64, 4)
# Sizes, bits of weights and codes, (PE, SIMD) of every layer, engine, how our unit is made.
DESIGNS = {
    "streamed in LUTs": ((4, 6, 2), 3, ((2, 2), (2, 3)), "lut", SMALL),
    "streamed in DSPs": ((4, 6, 2), 3, ((2, 2), (2, 3)), "dsp", SMALL),
    "tables": ((5, 17, 3), 3, ((17, 5), (1, 17)), "rom", SMALL),
    "DSPs and block RAM": ((6, 12, 4), 8, ((3, 2), (2, 3)), "rom", Style("fast-clock", "dsp", "block")),
    "digits": (WIDE, 4, ((4, 8),) * 3, "rom", SMALL),
    "copies": ((6, 16, 8, 4), 4, ((16, 3), (8, 8), (4, 8)), "rom", Style("balanced")),
    "fast clock": (WIDE, 2, ((4, 8),) * 3, "rom", Style("fast-clock")),
}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", DESIGNS)
def test_a_netlist_computes_the_policy(name, tmp_path):
    dims, bits, folding, engine, style = DESIGNS[name]
    what = subject.random(dims, Bits(bits, bits, 8), 3, tmp_path / "policy", 300)
    with finn_session(tmp_path / "finn"):
        lowered = lower(what.policy, what.onnx, [Folding(*fold) for fold in folding], board("pynq-z2"),
                        tmp_path / "finn", engine, style)
        stitch(describe_nodes.describe(lowered.rtl), tmp_path / "rtl", replace=ENGINES[engine].replaces)
    write_shell(lowered.geometry, what.policy.build_id, tmp_path / "rtl")
    codes = np.random.default_rng(0).integers(*what.policy.input_range, (300, dims[0]), endpoint=True)
    expected = parity.reference(what.policy, codes)
    timings = []
    for folder in (tmp_path / "rtl", write_netlist(tmp_path / "rtl", engine, tmp_path / "netlist")):
        emulator = Emulator(build_emulator(folder, lowered.geometry, folder), folder)
        for stalls in ((0.0, 0.0), *parity.STALLS):
            emulator.stall(*stalls, seed=5)
            found, timing = parity.stream(emulator, lowered.geometry, codes)
            assert parity.compare_outputs(folder.name, expected, found, codes)["mismatches"] == 0
            timings.append(timing)
        emulator.close()
    assert timings[:4] == timings[4:]


def test_every_engine_has_a_netlist_here():
    assert {engine for _, _, _, engine, _ in DESIGNS.values()} == ENGINES.keys()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_build_verifies_its_netlist(engine, tmp_path):
    """The whole shell, bridge included: every inference through the mapped bridge, in the RTL's own time."""
    what = subject.random((4, 16, 16, 2), Bits(4, 4, 8), 1, tmp_path / "policy", 600)
    options = Options(compute=engine, target="synth", verify_netlist=True)
    result = flow.build(what, options, tmp_path / "accel")
    found = result["netlist"]
    assert (found["observations"], found["values"], found["mismatches"]) == (256, 512, 0)
    assert found["latency_cycles"] == result["timing"]["latency_cycles"]
    before = (tmp_path / "accel" / "build.json").stat().st_mtime_ns
    flow.build(what, options, tmp_path / "accel")
    flow.build(what, dataclasses.replace(options, verify_netlist=False), tmp_path / "accel")
    assert (tmp_path / "accel" / "build.json").stat().st_mtime_ns == before, "neither is built again"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_wrong_netlist_fails_the_build(tmp_path, monkeypatch):
    """One inverted flip-flop of the output, as a fault of synthesis would be."""
    def wrong(folder, engine, out):
        write_netlist(folder, engine, out)
        text = (out / "wrappers.sv").read_text()
        (high,) = re.findall(r"output wire \[(\d+):0\] m_axis_0_tdata", text)
        faulty = text.replace("mapped_i (.*);", f"mapped_i (.m_axis_0_tdata(made), .*);\n  wire [{high}:0] made;\n"
                              f"  assign m_axis_0_tdata = {{made[{high}:1], ~made[0]}};", 1)
        assert faulty != text
        (out / "wrappers.sv").write_text(faulty)
        return out

    what = subject.random((4, 6, 2), Bits(3, 3, 8), 1, tmp_path / "policy", 300)
    monkeypatch.setattr("quarl.hw.synthesis.netlist.write_netlist", wrong)
    with pytest.raises(MismatchError, match="the netlist behind its bridge must equal the integer reference"):
        flow.build(what, Options(target="synth", verify_netlist=True), tmp_path / "accel")
    assert not (tmp_path / "accel").exists()
