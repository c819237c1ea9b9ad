"""QONNX to FINN's hardware layers to RTL: FINN's own steps, in order, none of which needs a vendor tool."""
from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from quarl.build_flows.estimate.shape import Folding
from quarl.build_flows.lowering import hold_to_package
from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.errors import UserError
from quarl.host.policy import Policy
from quarl.hw.boards import Board
from quarl.hw.engines.mvtu.design import SMALL, Style


@dataclasses.dataclass(frozen=True)
class Lowered:
    """A lowered policy. ``golden`` executes FINN's own layers; ``rtl`` is what becomes hardware, its code generated."""

    golden: Any
    rtl: Any
    geometry: Geometry


def lower(policy: Policy, onnx: Path, folding: Sequence[Folding], board: Board, build: Path,
          engine: str = "rom", style: Style = SMALL) -> Lowered:
    """Lower the package's ``policy.onnx`` with one :class:`Folding` a layer; generated files go below ``build``.

    With ``engine`` rom our unit, made in ``style``, takes the place of FINN's layers in ``rtl``; ``golden`` is the same
    for all engines.
    Must run inside :func:`quarl.build_flows.lowering.session.finn_session`. Raises ``UserError`` and ``MismatchError``.
    """
    import finn.builder.build_dataflow_steps as steps
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.gemm_to_matmul import GemmToMatMul
    from qonnx.util.cleanup import cleanup_model

    config = _config(board, build)
    model = cleanup_model(ModelWrapper(str(onnx)))
    hold_to_package.complete_gemms(model)
    model = model.transform(GemmToMatMul())
    hold_to_package.cut_host_input(model, policy)
    for step in (steps.step_qonnx_to_finn, steps.step_tidy_up, steps.step_streamline):
        model = step(model, config)
    hold_to_package.cut_host_output(model)
    hold_to_package.impose(model, policy)
    for step in (steps.step_convert_to_hw, steps.step_minimize_bit_width_initial):
        model = step(model, config)
    _widen_weights(model, policy)
    model = steps.step_create_dataflow_partition(model, config)
    _prefer_rtl(model.graph.node)
    model = steps.step_specialize_layers(model, config)
    _fold(model, folding)
    model = steps.step_minimize_bit_width(model, config)
    _widen_weights(model, policy)
    golden = ModelWrapper(model.model.__class__.FromString(model.model.SerializeToString()))
    rtl = _generate(_HARDWARE[engine](model, style), config, board)
    return Lowered(golden, rtl, _geometry(rtl))


def _config(board: Board, build: Path) -> Any:
    from finn.builder.build_dataflow_config import DataflowBuildConfig
    return DataflowBuildConfig(output_dir=str(build), synth_clk_period_ns=1000.0 / board.clock_mhz,
                               fpga_part=board.part, standalone_thresholds=True, generate_outputs=[],
                               save_intermediate_models=False)


def _widen_weights(model: Any, policy: Policy) -> None:
    """Give weights that FINN has typed too narrowly for its RTL unit the type of the package.

    FINN takes the least type that holds the numbers; the unit wants them signed, and above the least of their type.
    Small layers happen to have no negative weight, or only -1 and 0, or only zeros.
    """
    from qonnx.core.datatype import DataType
    from qonnx.custom_op.registry import getCustomOp

    nodes = (node for node in model.graph.node if node.op_type.startswith("MVAU"))
    for node, layer in zip(nodes, policy.layers, strict=True):
        operation = getCustomOp(node)
        kind = DataType[operation.get_nodeattr("weightDataType")]
        if not kind.signed() or layer.weights.min() <= kind.min():
            operation.set_nodeattr("weightDataType", "INT%d" % layer.weight_bits)


def _prefer_rtl(nodes: Any) -> None:
    from qonnx.custom_op.registry import getCustomOp
    for node in nodes:
        getCustomOp(node).set_nodeattr("preferred_impl_style", "rtl")


def _fold(model: Any, folding: Sequence[Folding]) -> None:
    """Set PE and SIMD on every matrix-vector unit, and the same PE on the thresholding behind it."""
    from qonnx.custom_op.registry import getCustomOp
    index = -1
    for node in model.graph.node:
        operation = getCustomOp(node)
        if node.op_type == "MVAU_rtl":
            index += 1
            operation.set_nodeattr("SIMD", folding[index].simd)
        elif node.op_type != "Thresholding_rtl":
            raise UserError("every layer must have an RTL implementation in FINN", node.op_type,
                            "use a network of dense layers with 2 to 8 bits")
        operation.set_nodeattr("PE", folding[index].pe)


def _fuse(model: Any, style: Style) -> Any:
    """Our unit in the place of FINN's layers. It has queues of its own and takes beats of other widths."""
    from finn.transformation.fpgadataflow.insert_dwc import InsertDWC

    from quarl.build_flows.lowering.mvtu_node.infer_mvtu import InferMVTU
    return model.transform(InferMVTU(style)).transform(InsertDWC())


def _buffer(model: Any, style: Style) -> Any:
    """Width converters and shallow FIFOs between FINN's layers."""
    from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
    from finn.transformation.fpgadataflow.insert_fifo import InsertFIFO
    from qonnx.custom_op.registry import getCustomOp

    model = model.transform(InsertDWC())
    for node in model.graph.node:
        operation = getCustomOp(node)
        for side in ("inFIFODepths", "outFIFODepths"):
            operation.set_nodeattr(side, [2] * len(operation.get_nodeattr(side)))
    return model.transform(InsertFIFO(create_shallow_fifos=True))


_HARDWARE: dict[str, Callable[[Any, Style], Any]] = {"rom": _fuse, "dsp": _buffer, "lut": _buffer}
"""By engine, how FINN's folded layers become what its RTL is generated of."""


def _generate(model: Any, config: Any, board: Board) -> Any:
    """Choose RTL for FIFOs and width converters, name everything, and generate the code of every node."""
    import finn.builder.build_dataflow_steps as steps
    from finn.transformation.fpgadataflow.replace_verilog_relpaths import ReplaceVerilogRelPaths
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
    from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames, SortGraph

    _prefer_rtl(model.get_nodes_by_op_type("StreamingFIFO") + model.get_nodes_by_op_type("StreamingDataWidthConverter"))
    for transformation in (SpecializeLayers(board.part), SortGraph(), GiveUniqueNodeNames(), GiveReadableTensorNames()):
        model = model.transform(transformation)
    return steps.step_hw_codegen(model, config).transform(ReplaceVerilogRelPaths())


def _geometry(model: Any) -> Geometry:
    from qonnx.custom_op.registry import getCustomOp
    first, last = getCustomOp(model.graph.node[0]), getCustomOp(model.graph.node[-1])
    code, accumulator = first.get_input_datatype(0), last.get_output_datatype()
    shapes = first.get_folded_input_shape(), last.get_folded_output_shape()
    return Geometry(
        Stream(int(np.prod(shapes[0][:-1])), int(shapes[0][-1]), code.bitwidth(), first.get_instream_width_padded(0),
               code.signed()),
        Stream(int(np.prod(shapes[1][:-1])), int(shapes[1][-1]), accumulator.bitwidth(),
               last.get_outstream_width_padded(0), accumulator.signed()))


def execute(golden: Any, codes: np.ndarray) -> list[np.ndarray]:
    """FINN's execution of ``codes`` [N, features] as one batch: the output of every layer, int64 [N, out]."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.custom_op.registry import getCustomOp

    model = ModelWrapper(golden.model.__class__.FromString(golden.model.SerializeToString()))
    tensors = [model.graph.input[0].name] + [node.output[0] for node in model.graph.node]
    for name in tensors:
        kind = model.get_tensor_datatype(name)
        model.set_tensor_shape(name, [len(codes), model.get_tensor_shape(name)[-1]])
        model.set_tensor_datatype(name, kind)
    for node in model.graph.node:
        operation = getCustomOp(node)
        operation.set_nodeattr("numInputVectors", [len(codes)])
        operation.set_nodeattr("exec_mode", "cppsim")
    results = execute_onnx(model, {tensors[0]: codes.astype(np.float32)}, return_full_exec_context=True)
    return [results[name].astype(np.int64) for name in tensors[1:]]
