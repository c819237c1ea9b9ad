"""The transformation that puts our unit in the place of FINN's: matrix-vector unit and thresholding become one node."""
from __future__ import annotations

from typing import Any

import onnx.helper
from finn.util.fpgadataflow import is_fpgadataflow_node
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation
from qonnx.transformation.general import RemoveUnusedTensors

from quarl.build_flows.lowering.mvtu_node.mvtu_rtl import MVTU_rtl
from quarl.hw.engines.mvtu.design import SMALL, Style, takes

_RAM_STYLES = {"lut": "distributed", "block": "block"}      # FINN's words
_KEPT = ("MW", "MH", "SIMD", "PE", "inputDataType", "weightDataType", "accDataType", "numInputVectors")


class InferMVTU(Transformation):
    """Replace each ``MVAU_rtl``, and the ``Thresholding_rtl`` behind it, by one ``MVTU_rtl``.

    The node takes beats of the width that the node in front gives, if they divide its SIMD or are a multiple of it;
    a width converter in front that this makes superfluous goes. Otherwise it takes beats of SIMD codes, and FINN's
    ``InsertDWC`` puts a converter there. Layers that the unit cannot do (parameters that are written at run time or
    come from outside, bipolar codes) are left as they are.
    """

    def __init__(self, style: Style = SMALL):
        super().__init__()
        self._style = style

    def apply(self, model: Any) -> tuple[Any, bool]:
        """FINN's interface of a transformation: the model, and whether to apply it again."""
        for node in model.get_nodes_by_op_type("MVAU_rtl"):
            if _is_replaceable(model, node):
                _replace(model, node, self._style)
        return model.transform(RemoveUnusedTensors()), False


def _is_replaceable(model: Any, node: Any) -> bool:
    unit = getCustomOp(node)
    return _has_constants(model, node) and unit.get_nodeattr("mem_mode") == "internal_decoupled" \
        and unit.get_nodeattr("noActivation") == 1 and unit.get_nodeattr("binaryXnorMode") == 0 \
        and unit.get_input_datatype(1).is_integer() and _is_plain(unit.get_input_datatype(0))


def _has_constants(model: Any, node: Any) -> bool:
    """Whether a node's parameters are fixed when its code is generated."""
    changing = ("runtime_writeable_weights", "mlo_max_iter", "bodies")
    return model.get_initializer(node.input[1]) is not None and not any(map(getCustomOp(node).get_nodeattr, changing))


def _is_plain(kind: Any) -> bool:
    """Whether a stream of this data type carries the integers themselves."""
    return kind.name.startswith(("INT", "UINT"))


def _replace(model: Any, node: Any, style: Style) -> None:
    """Put an MVTU in the place of an MVAU, of thresholding behind it and of a width converter in front of it."""
    source, lanes, gone = _input(model, node)
    gone, parameters, last, offset = [*gone, node], [node.input[1]], node, 0
    following = model.find_consumers(node.output[0])
    if len(following) == 1 and following[0].op_type == "Thresholding_rtl" and _has_constants(model, following[0]) \
            and _is_plain(getCustomOp(following[0]).get_output_datatype()):
        last = following[0]
        gone.append(last)
        parameters.append(last.input[1])
        offset = getCustomOp(last).get_nodeattr("ActVal")
    unit = getCustomOp(node)
    model.graph.node.insert(list(model.graph.node).index(node), onnx.helper.make_node(
        MVTU_rtl.__name__, [source, *parameters], [last.output[0]], name=node.name,
        domain="finn.custom_op.fpgadataflow.rtl", backend="fpgadataflow",
        **{name: unit.get_nodeattr(name) for name in _KEPT}, InLanes=lanes, ActVal=offset,
        timing=style.timing, resType=style.products, ram_style=_RAM_STYLES[style.weight_rom],
        outputDataType=getCustomOp(last).get_output_datatype().name))
    for one in gone:
        model.graph.node.remove(one)


def _input(model: Any, node: Any) -> tuple[str, int, list[Any]]:
    """The tensor that an MVTU in the place of ``node`` reads, codes in a beat of it, and nodes that it replaces."""
    unit, before = getCustomOp(node), model.find_producer(node.input[0])
    simd, inputs = unit.get_nodeattr("SIMD"), unit.get_nodeattr("MW")

    if is_fpgadataflow_node(before):
        operation = getCustomOp(before)
        lanes = int(operation.get_folded_input_shape()[-1])
        if before.op_type.startswith("StreamingDataWidthConverter") and takes(inputs, simd, lanes):
            return before.input[0], lanes, [before]
        lanes = int(operation.get_folded_output_shape()[-1])
        if takes(inputs, simd, lanes):
            return node.input[0], lanes, []
    return node.input[0], simd, []
