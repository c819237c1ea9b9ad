"""The unit as a FINN node, and the transformation that puts it in the place of FINN's layers."""
import dataclasses

import numpy as np
import pytest

from quarl.build_flows.building import subject
from quarl.build_flows.building.parity import reference
from quarl.build_flows.estimate import resources
from quarl.build_flows.estimate.shape import Folding, shapes
from quarl.build_flows.lowering.lower import execute, lower
from quarl.build_flows.lowering.session import finn_session
from quarl.hw.engines.mvtu.design import Style
from quarl.hw.engines.mvtu.unit import RTL_FILES
from quarl.hw.stitching.block_design import BlockDesign
from quarl.hw.stitching.nodes import Node
from quarl.models.actors.bits import Bits
from tests.build_flows.lowering.mvtu_node.rom_engine_helpers import BOARD, operations

DIMS = (6, 12, 12, 9, 3)
# Beats of 4 are two words of the second layer; the third needs a converter; beats of 3 are thirds of the last's words.
FOLDING = (Folding(4, 3), Folding(4, 2), Folding(3, 6), Folding(1, 9))
IN_LANES = (3, 4, 6, 3)
EXPECTED = tuple(zip(DIMS, DIMS[1:], FOLDING, IN_LANES, strict=False))
LAYERS = ["MVTU_rtl", "MVTU_rtl", "StreamingDataWidthConverter_rtl", "MVTU_rtl", "MVTU_rtl"]


@pytest.fixture(scope="module")
def what(tmp_path_factory):
    return subject.random(DIMS, Bits(4, 3, 5), 1, tmp_path_factory.mktemp("policy") / "policy", 10)


@pytest.fixture(scope="module")
def lowered(what, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lowered")
    with finn_session(folder):
        return lower(what.policy, what.onnx, FOLDING, BOARD, folder, "rom")


@pytest.fixture
def session(tmp_path):
    with finn_session(tmp_path / "finn"):
        yield


@pytest.fixture
def fused(lowered, session):
    from quarl.build_flows.lowering.mvtu_node.infer_mvtu import InferMVTU
    return lowered.golden.transform(InferMVTU())


def units(model):
    return [operation for operation in operations(model) if operation.onnx_node.op_type == "MVTU_rtl"]


def test_finn_knows_the_node(fused):
    from finn.util.fpgadataflow import is_fpgadataflow_node, is_rtl_node

    from quarl.build_flows.lowering.mvtu_node.mvtu_rtl import MVTU_rtl
    for operation in operations(fused):
        assert isinstance(operation, MVTU_rtl) and operation.verify_node() == []
        assert is_rtl_node(operation.onnx_node) and is_fpgadataflow_node(operation.onnx_node)


def test_layers_become_one_node_each(lowered, fused):
    assert [node.op_type for node in lowered.golden.graph.node] == ["MVAU_rtl", "Thresholding_rtl"] * 3 + ["MVAU_rtl"]
    assert [node.op_type for node in fused.graph.node] == ["MVTU_rtl"] * 4
    assert [len(node.input) for node in fused.graph.node] == [3, 3, 3, 2]
    for operation, (inputs, outputs, folding, lanes) in zip(operations(fused), EXPECTED, strict=True):
        expected = {"MW": inputs, "MH": outputs, "PE": folding.pe, "SIMD": folding.simd, "InLanes": lanes}
        assert {name: operation.get_nodeattr(name) for name in expected} == expected


def test_widths(fused):
    for operation, (inputs, outputs, folding, lanes) in zip(operations(fused), EXPECTED, strict=True):
        assert operation.get_folded_input_shape() == (1, inputs // lanes, lanes)
        assert operation.get_folded_output_shape() == (1, outputs // folding.pe, folding.pe)
        assert operation.get_number_output_values() == outputs // folding.pe
        assert operation.get_instream_width() == lanes * operation.get_input_datatype().bitwidth()
        assert operation.get_instream_width_padded(1) == 0
        ports = operation.get_verilog_top_module_intf_names()
        assert (ports["s_axis"], ports["m_axis"]) == ([("in0_V", operation.get_instream_width_padded())],
                                                      [("out0_V", operation.get_outstream_width_padded())])


def test_finns_execution_of_the_unit_equals_the_reference(what, fused):
    codes = np.random.default_rng(0).integers(*what.policy.input_range, (500, DIMS[0]), endpoint=True)
    trace = reference(what.policy, codes)
    for expected, found in zip([*trace[1::2], trace[-1]], execute(fused, codes), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_shared_thresholds_and_an_offset(what, fused):
    unit = operations(fused)[0]
    unit.set_nodeattr("ActVal", -4)
    weights = what.policy.layers[0].weights.astype(int)
    codes = np.random.default_rng(0).integers(*what.policy.input_range, (1, DIMS[0]), endpoint=True)
    thresholds = np.array([[9, -3, 0, 4.5, 4.5, 100, -20]])         # in any order; what is above 4.5 is at least 5
    context = dict(zip(unit.onnx_node.input, (codes, weights.T, thresholds), strict=True))
    unit.execute_node(context, fused.graph)
    np.testing.assert_array_equal(context[unit.onnx_node.output[0]],
                                  ((codes @ weights.T)[:, :, None] >= thresholds[0]).sum(axis=2) - 4)


def test_inference_of_shapes_and_data_types(fused):
    from qonnx.core.datatype import DataType
    from qonnx.transformation.infer_datatypes import InferDataTypes
    from qonnx.transformation.infer_shapes import InferShapes
    outputs = [node.output[0] for node in fused.graph.node]
    before = [(fused.get_tensor_shape(name), fused.get_tensor_datatype(name)) for name in outputs]
    for name in outputs[:-1]:
        fused.set_tensor_datatype(name, DataType["FLOAT32"])
        fused.graph.value_info.remove(next(info for info in fused.graph.value_info if info.name == name))
    inferred = fused.transform(InferShapes()).transform(InferDataTypes())
    assert [(inferred.get_tensor_shape(name), inferred.get_tensor_datatype(name)) for name in outputs] == before


def test_a_width_converter_stays_where_beats_do_not_fit(lowered):
    assert [node.op_type for node in lowered.rtl.graph.node] == LAYERS
    assert [unit.get_nodeattr("InLanes") for unit in units(lowered.rtl)] == list(IN_LANES)
    assert [unit.onnx_node.name for unit in units(lowered.rtl)] == ["MVTU_rtl_%d" % index for index in range(4)]


def test_a_width_converter_that_is_not_needed_goes(lowered, session):
    from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers

    from quarl.build_flows.lowering.mvtu_node.infer_mvtu import InferMVTU
    converted = lowered.golden.transform(InsertDWC())
    for operation in operations(converted):
        operation.set_nodeattr("preferred_impl_style", "rtl")
    converted = converted.transform(SpecializeLayers(BOARD.part))
    assert len(converted.get_nodes_by_op_type("StreamingDataWidthConverter_rtl")) == 3
    model = converted.transform(InferMVTU())
    assert [node.op_type for node in model.graph.node] == LAYERS
    assert [unit.get_nodeattr("InLanes") for unit in units(model)] == list(IN_LANES)


@pytest.mark.parametrize(("node", "attribute", "value"), [
    (0, "runtime_writeable_weights", 1), (0, "mem_mode", "external"), (0, "inputDataType", "BIPOLAR"),
    (1, "runtime_writeable_weights", 1), (1, "outputDataType", "BIPOLAR")])
def test_what_the_unit_cannot_do_is_left_alone(lowered, session, node, attribute, value):
    from qonnx.core.modelwrapper import ModelWrapper

    from quarl.build_flows.lowering.mvtu_node.infer_mvtu import InferMVTU
    model = ModelWrapper(lowered.golden.model, make_deepcopy=True)
    operations(model)[node].set_nodeattr(attribute, value)
    first = ("MVAU_rtl", "MVTU_rtl")[node]            # accumulators can come out where thresholding has to stay
    assert [node.op_type for node in model.transform(InferMVTU()).graph.node][:3] == [
        first, "Thresholding_rtl", "MVTU_rtl"]


def test_cycles_and_performance(fused):
    from finn.analysis.fpgadataflow.dataflow_performance import dataflow_performance
    from finn.transformation.fpgadataflow.annotate_cycles import AnnotateCycles
    from qonnx.transformation.general import GiveUniqueNodeNames
    model = fused.transform(GiveUniqueNodeNames()).transform(AnnotateCycles())
    assert [operation.get_exp_cycles() for operation in operations(model)] == [6, 18, 6, 3]
    assert model.analysis(dataflow_performance)["critical_path_cycles"] == 33


def test_resource_estimates_are_the_models(what, fused):
    from finn.analysis.fpgadataflow.res_estimation import res_estimation
    from qonnx.transformation.general import GiveUniqueNodeNames
    model = fused.transform(GiveUniqueNodeNames())
    for style in (Style(), Style("fast-clock", "dsp", "block")):
        for unit in operations(model):
            for name, value in (("timing", style.timing), ("resType", style.products),
                                ("ram_style", {"lut": "distributed"}.get(style.weight_rom, "block"))):
                unit.set_nodeattr(name, value)
        found = res_estimation(model, BOARD.part)
        for index, shape in enumerate(shapes(what.policy)):
            # FINN's accumulators differ by a bit, and no node knows its numbers
            sums = operations(model)[index].get_input_datatype(2).bitwidth()
            expected = resources.estimate(dataclasses.replace(shape, acc_bits=sums, unit=None), FOLDING[index], "rom",
                                          IN_LANES[index], style)
            node = found[f"MVTU_rtl_{index}"]
            assert (node["LUT"], node["DSP"], node["BRAM_18K"], node["URAM"]) == (
                round(expected["lut"]), expected["dsp"], 2 * expected["bram36"], 0), (style, index)
    assert (found["MVTU_rtl_1"]["DSP"], found["MVTU_rtl_1"]["BRAM_18K"]) == (4, 1), "18 words of 4 * 2 * 4 bits"


def test_attributes_that_do_not_divide_are_named(fused):
    unit = operations(fused)[1]
    for name, value in (("SIMD", 5), ("PE", 5), ("InLanes", 8)):
        unit.set_nodeattr(name, value)
    assert unit.verify_node() == ["SIMD must divide MW", "PE must divide MH", "InLanes must divide MW",
                                  "InLanes must divide SIMD or be a multiple of it"]


def test_the_stitcher_takes_the_node(lowered):
    unit = units(lowered.rtl)[0]
    design = BlockDesign.from_commands(Node("MVTU_rtl_0", unit.code_generation_ipi(), [], []))
    assert design.cells == {"MVTU_rtl_0": "MVTU_rtl_0"}
    assert design.files[1:] == [str(file) for file in RTL_FILES]
    assert unit.get_rtl_file_list()[:2] == ["MVTU_rtl_0.v", RTL_FILES[0].name]


def test_a_renamed_node_keeps_its_module(lowered, session):
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
    from qonnx.transformation.general import GiveUniqueNodeNames
    renamed = lowered.rtl.transform(GiveUniqueNodeNames("top_")).transform(PrepareIP(BOARD.part, 10.0))
    unit = units(renamed)[0]
    assert unit.code_generation_ipi()[-1] == "create_bd_cell -type module -reference MVTU_rtl_0 top_MVTU_rtl_0"
    assert unit.get_rtl_file_list(abspath=True)[0].endswith("/MVTU_rtl_0.v")
