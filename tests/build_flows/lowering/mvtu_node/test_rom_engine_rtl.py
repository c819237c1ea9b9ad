"""The RTL that FINN generates for the unit: equal to the policy, and taken by FINN's own simulation and stitching."""
import json

import numpy as np
import pytest

from quarl.build_flows.building import parity, subject
from quarl.build_flows.estimate.shape import Folding
from quarl.build_flows.lowering.lower import lower
from quarl.build_flows.lowering.session import finn_session
from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.models.actors.bits import Bits
from tests.build_flows.lowering.mvtu_node.rom_engine_helpers import BOARD, STALLS, emulated, generated, operations


@pytest.mark.parametrize(("dims", "bits", "folding", "attributes"), [
    # Words of parts of beats, beats of several words, a width converter, different ways to multiply.
    ((6, 12, 12, 9, 3), Bits(4, 3, 5), [Folding(4, 3), Folding(4, 2), Folding(3, 6), Folding(1, 9)], {}),
    ((5, 8, 3), Bits(2, 2, 4), [Folding(8, 5), Folding(3, 8)], {}),
    ((3, 6, 2), Bits(8, 6, 8), [Folding(2, 1), Folding(1, 3)], {"timing": "fast-clock", "ram_style": "block"}),
    ((4, 6, 2), Bits(3, 4, 8), [Folding(3, 2), Folding(2, 3)], {"resType": "dsp"})])
def test_rtl_equals_the_reference(dims, bits, folding, attributes, tmp_path):
    what = subject.random(dims, bits, 3, tmp_path / "policy", 10)
    with finn_session(tmp_path / "finn"):
        from quarl.build_flows.lowering.mvtu_node.infer_mvtu import InferMVTU
        lowered = lower(what.policy, what.onnx, folding, BOARD, tmp_path / "finn", "rom")
        model = lowered.golden.transform(InferMVTU())
        for operation in operations(model):
            for name, value in attributes.items():
                operation.set_nodeattr(name, value)
        model = generated(model) if attributes else lowered.rtl
        codes = np.random.default_rng(0).integers(*what.policy.input_range, (300, dims[0]), endpoint=True)
        expected = parity.reference(what.policy, codes)
        with emulated(model, lowered.geometry, tmp_path) as emulator:
            for stalls in STALLS:
                emulator.stall(*stalls, 1)
                found, _ = parity.stream(emulator, lowered.geometry, codes)
                parity.compare_outputs("the RTL", expected, found, codes)


def test_finns_rtl_simulation_drives_the_unit(tmp_path, monkeypatch):
    """FINN's simulator needs Vivado; here the emulator takes its place, behind FINN's own packing of streams."""
    what = subject.random((6, 9, 3), Bits(4, 3, 5), 3, tmp_path / "policy", 10)
    with finn_session(tmp_path / "finn"):
        lowered = lower(what.policy, what.onnx, [Folding(9, 6), Folding(3, 9)], BOARD, tmp_path, "rom")
        from quarl.build_flows.lowering.mvtu_node.mvtu_rtl import MVTU_rtl
        model = lowered.rtl
        unit = operations(model)[1]
        model.graph.node.remove(model.graph.node[0])
        observation = Stream(1, 9, 3, 32, signed=False)
        geometry = Geometry(observation, lowered.geometry.action)
        codes = np.arange(9, dtype=np.float32)[None] % 8
        context = {unit.onnx_node.input[0]: codes}
        with emulated(model, geometry, tmp_path) as emulator:
            def simulate(self, sim, streams):
                assert set(streams["inputs"]) == {"in0"} and self.get_number_output_values() == 1
                beats = np.frombuffer(b"".join(beat.to_bytes(4, "little") for beat in streams["inputs"]["in0"]),
                                      np.uint8).reshape(-1, 4)
                out, _, _ = emulator.stream(beats, 1, geometry.action.beat_bytes, 10_000)
                streams["outputs"]["out0"] = [int.from_bytes(bytes(beat), "little") for beat in out]
                self.set_nodeattr("cycles_rtlsim", 42)
            for name, replacement in (("get_rtlsim", lambda self: None), ("reset_rtlsim", lambda self, sim: None),
                                      ("close_rtlsim", lambda self, sim: None), ("rtlsim_multi_io", simulate)):
                monkeypatch.setattr(MVTU_rtl, name, replacement)
            unit.set_nodeattr("exec_mode", "rtlsim")
            unit.execute_node(context, model.graph)
    np.testing.assert_array_equal(context[unit.onnx_node.output[0]],
                                  codes @ what.policy.layers[1].weights.T.astype(np.float32))
    assert unit.get_nodeattr("cycles_rtlsim") == 42


def test_finns_stitched_ip_takes_the_unit(tmp_path, monkeypatch):
    """What Vivado would be given: the sources, a cell of each module, the streams between them."""
    vivado = tmp_path / "tools" / "vivado"
    vivado.parent.mkdir()
    wrapper = "finn_vivado_stitch_proj.srcs/sources_1/bd/finn_design/hdl/finn_design_wrapper.v"
    vivado.write_text(f"#!/bin/sh\nmkdir -p $(dirname {wrapper}) && touch {wrapper} all_verilog_srcs.txt\n")
    vivado.chmod(0o755)
    monkeypatch.setenv("FINN_TOOL_DIR_OVERRIDE", str(vivado.parent))
    monkeypatch.setenv("XILINX_VIVADO", "/opt/Vivado/2022.2")
    what = subject.random((6, 9, 3), Bits(4, 3, 5), 3, tmp_path / "policy", 10)
    with finn_session(tmp_path / "finn"):
        from finn.transformation.fpgadataflow.create_stitched_ip import CreateStitchedIP
        lowered = lower(what.policy, what.onnx, [Folding(3, 6), Folding(1, 9)], BOARD, tmp_path, "rom")
        model = lowered.rtl.transform(CreateStitchedIP(BOARD.part, 10.0))
    script = (tmp_path / "finn").glob("vivado_stitch_proj*/make_project.tcl")
    lines = next(script).read_text().splitlines()
    for command in (
            "create_bd_cell -type module -reference MVTU_rtl_0 MVTU_rtl_0",
            "create_bd_cell -type module -reference MVTU_rtl_1 MVTU_rtl_1",
            "connect_bd_intf_net [get_bd_intf_pins MVTU_rtl_0/out0_V] [get_bd_intf_pins MVTU_rtl_1/in0_V]",
            "make_bd_intf_pins_external [get_bd_intf_pins MVTU_rtl_0/in0_V]",
            "make_bd_intf_pins_external [get_bd_intf_pins MVTU_rtl_1/out0_V]",
            "connect_bd_net [get_bd_ports ap_clk] [get_bd_pins MVTU_rtl_1/ap_clk]"):
        assert lines.count(command) == 1, command
    assert json.loads(model.get_metadata_prop("vivado_stitch_ifnames"))["s_axis"] == [["s_axis_0", 32]]
