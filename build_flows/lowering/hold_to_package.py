"""Hold FINN's view of a network to the policy package: same weights, and the package's own thresholds.

FINN derives thresholds from float scales by a formula; the package found them by evaluation, which is exact at
half-way ties. So the formula's table is replaced, and everything else must already be equal.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from quarl.host.errors import MismatchError, UserError
from quarl.host.policy import Policy

_FIX = "export the run again with `quarl export RUN`; if it comes again, report this policy"


def cut_host_input(model: Any, policy: Policy) -> None:
    """Turn the input ``Quant`` node into a ``Mul`` by its scale and declare the input as integer codes.

    The rounding is the host's work; streamlining absorbs the scale. Raises :class:`MismatchError` where the model's
    input quantiser is not the package's.
    """
    import onnx.helper
    from qonnx.core.datatype import DataType
    from qonnx.custom_op.registry import getCustomOp

    name = model.graph.input[0].name
    quant = model.find_consumer(name)
    if quant is None or quant.op_type != "Quant":
        raise UserError("policy.onnx must begin with the input quantiser", quant.op_type if quant else "nothing", _FIX)
    bits, signed = int(model.get_initializer(quant.input[3])), getCustomOp(quant).get_nodeattr("signed")
    if bits != policy.input_bits or not signed:
        raise MismatchError("policy.onnx must have the package's signed %d-bit input" % policy.input_bits,
                            "%d bits, signed=%d" % (bits, signed), _FIX)
    index = list(model.graph.node).index(quant)
    model.graph.node.insert(index, onnx.helper.make_node("Mul", [name, quant.input[1]], [quant.output[0]]))
    model.graph.node.remove(quant)
    model.set_tensor_datatype(name, DataType["INT%d" % bits])


def complete_gemms(model: Any) -> None:
    """Give every Gemm without a bias a bias of zeros: exporters drop one that is all zero, and qonnx needs it."""
    for index, node in enumerate(model.graph.node):
        if node.op_type == "Gemm" and len(node.input) == 2:
            name = "quarl_zero_bias_%d" % index
            outputs = model.get_tensor_shape(node.output[0])[-1]
            model.set_initializer(name, np.zeros(outputs, np.float32))
            node.input.append(name)


def cut_host_output(model: Any) -> None:
    """Drop the scale and bias behind the last layer: the accelerator's output is its accumulators."""
    while (node := model.find_producer(model.graph.output[0].name)).op_type in ("Mul", "Add"):
        model.graph.node.remove(node)
        kept = [info for info in model.graph.value_info if info.name == node.input[0]]
        for info in kept:
            model.graph.value_info.remove(info)
        model.graph.output[0].name = node.input[0]


def impose(model: Any, policy: Policy) -> None:
    """Check each MatMul's weights against the package and write the package's thresholds into each MultiThreshold.

    ``model`` is streamlined and cut: MatMul, MultiThreshold, MatMul, … MatMul. Raises :class:`MismatchError` naming
    the layer, the channel, the input and both values where the weights differ.
    """
    expected = ["MatMul", "MultiThreshold"] * (len(policy.layers) - 1) + ["MatMul"]
    found = [node.op_type for node in model.graph.node]
    if found != expected:
        raise UserError("the streamlined network must be MatMul and MultiThreshold in turn", " ".join(found), _FIX)
    nodes = iter(model.graph.node)
    for index, layer in enumerate(policy.layers):
        if not layer.weights.any():     # its accumulators would have no bits, and its policy one action
            raise UserError("every layer that is built must have a weight other than 0", "none in layer %d" % index,
                            "train again, for longer or with more bits")
        weights = model.get_initializer(next(nodes).input[1]).T
        different = np.argwhere(weights != layer.weights) if weights.shape == layer.weights.shape else [[0, 0]]
        if len(different):
            channel, source = different[0]
            raise MismatchError(
                "layer %d, channel %d, input %d: FINN's weight must be the package's %d"
                % (index, channel, source, layer.weights[channel, source]), weights[channel, source], _FIX)
        if layer.thresholds is not None:
            node = next(nodes)
            model.set_initializer(node.input[1], layer.thresholds.astype(np.float32))
