"""The fused matrix-vector-threshold unit as a FINN node: shapes, data types, execution, code, estimates."""
from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from finn.custom_op.fpgadataflow.rtl import register_custom_op
from finn.custom_op.fpgadataflow.rtlbackend import RTLBackend
from qonnx.core.datatype import DataType

from quarl.build_flows.estimate import resources
from quarl.build_flows.estimate.shape import Folding, Shape, cycles
from quarl.host.policy import integer
from quarl.hw.engines.mvtu.design import Style
from quarl.hw.engines.mvtu.unit import RTL_FILES, Unit
from quarl.hw.engines.widths import signed_bits


@register_custom_op
class MVTU_rtl(RTLBackend):
    """Codes [..., MW], weights [MW, MH] and, optionally, thresholds [MH or 1, N] to codes [..., MH].

    A code is ActVal + the number of the channel's thresholds <= its accumulator; without thresholds the accumulators
    come out. Weights and thresholds are initialisers and become ROM, so there is one stream in, of InLanes codes a
    beat, and one out, of PE. FINN finds RTL nodes by the name of its own domain, so that is where this one is.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """The node's attributes; names that FINN's MVAU has mean the same."""
        return super().get_nodeattr_types() | {
            "MW": ("i", True, 0), "MH": ("i", True, 0), "SIMD": ("i", True, 0), "PE": ("i", True, 0),
            "InLanes": ("i", True, 0),                      # divides SIMD, or is a multiple of it that divides MW
            "inputDataType": ("s", True, ""), "weightDataType": ("s", True, ""),
            "accDataType": ("s", True, ""), "outputDataType": ("s", True, ""),
            "ActVal": ("i", False, 0),
            "numInputVectors": ("ints", False, [1]),        # [1, H, W] behind a sliding window
            "timing": ("s", False, "small", {"small", "balanced", "fast-clock"}),
            "resType": ("s", False, "lut", {"lut", "dsp"}),
            "ram_style": ("s", False, "distributed", {"distributed", "block"})}

    def verify_node(self) -> list[str]:
        """The rules that the attributes break."""
        mw, mh, simd, pe, lanes = self._ints("MW", "MH", "SIMD", "PE", "InLanes")
        rules = {"SIMD must divide MW": mw % simd, "PE must divide MH": mh % pe, "InLanes must divide MW": mw % lanes,
                 "InLanes must divide SIMD or be a multiple of it": simd % lanes and lanes % simd}
        return [rule for rule, rest in rules.items() if rest]

    def infer_node_datatype(self, model: Any) -> None:
        """Take the input's data type from the model and give the output its own."""
        self.set_nodeattr("inputDataType", model.get_tensor_datatype(self.onnx_node.input[0]).name)
        model.set_tensor_datatype(self.onnx_node.output[0], self.get_output_datatype())

    def get_input_datatype(self, ind: int = 0) -> Any:
        """Data type of the codes, the weights, or the thresholds, which are compared with accumulators."""
        return DataType[self.get_nodeattr(("inputDataType", "weightDataType", "accDataType")[ind])]

    def get_output_datatype(self, ind: int = 0) -> Any:
        """Data type of the codes or accumulators that come out."""
        return DataType[self.get_nodeattr("outputDataType")]

    def get_normal_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of the codes or of the weights."""
        mw, mh = self._ints("MW", "MH")
        return ((*self.get_nodeattr("numInputVectors"), mw), (mw, mh))[ind]

    def get_normal_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of the output."""
        return (*self.get_nodeattr("numInputVectors"), *self._ints("MH"))

    def get_folded_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of the input stream: vectors, beats, lanes."""
        mw, lanes = self._ints("MW", "InLanes")
        return (*self.get_nodeattr("numInputVectors"), mw // lanes, lanes)

    def get_folded_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of the output stream: vectors, beats, lanes."""
        mh, pe = self._ints("MH", "PE")
        return (*self.get_nodeattr("numInputVectors"), mh // pe, pe)

    def get_instream_width(self, ind: int = 0) -> int:
        """Bits of an input beat; 0 for weights and thresholds, which no stream brings."""
        return 0 if ind else self._ints("InLanes")[0] * self.get_input_datatype().bitwidth()

    def get_outstream_width(self, ind: int = 0) -> int:
        """Bits of an output beat."""
        return self._ints("PE")[0] * self.get_output_datatype().bitwidth()

    def get_exp_cycles(self) -> int:
        """Cycles that one inference keeps the unit busy: one a step, SIMD inputs of PE channels."""
        return math.prod(self.get_nodeattr("numInputVectors")) * cycles(self._shape(), self._folding())

    def lut_estimation(self, fpgapart: str) -> int:
        """LUTs by the model that also chooses foldings, as the two estimates below."""
        return round(self._estimate()["lut"])

    def dsp_estimation(self, fpgapart: str) -> int:
        """DSP slices."""
        return round(self._estimate()["dsp"])

    def bram_estimation(self, fpgapart: str) -> int:
        """18-kbit block RAMs, of which the model counts halves of 36 kbit."""
        return round(2 * self._estimate()["bram36"])

    def _estimate(self) -> dict[str, float]:
        """What the model says of a layer of this shape, whose numbers it is not told."""
        return resources.estimate(self._shape(), self._folding(), "rom", self._ints("InLanes")[0], self._style())

    def _shape(self) -> Shape:
        codes, weights, sums = map(self.get_input_datatype, range(3))
        act_bits = self.get_output_datatype().bitwidth() if len(self.onnx_node.input) > 2 else 0
        mw, mh = self._ints("MW", "MH")
        return Shape(inputs=mw, outputs=mh, weight_bits=_bits(weights), input_bits=codes.bitwidth(),
                     act_bits=act_bits, acc_bits=sums.bitwidth(), narrow=True)

    def _folding(self) -> Folding:
        return Folding(*self._ints("PE", "SIMD"))

    def _style(self) -> Style:
        return Style(self.get_nodeattr("timing"), self.get_nodeattr("resType"),
                     {"distributed": "lut", "block": "block"}[self.get_nodeattr("ram_style")])

    def execute_node(self, context: dict[str, np.ndarray], graph: Any) -> None:
        """The integer reference; in exec_mode rtlsim, FINN's simulation of the generated RTL."""
        if self.get_nodeattr("exec_mode") == "rtlsim":
            self._simulate(context, graph)
            return
        weights, thresholds = self._parameters(context.__getitem__)
        codes = context[self.onnx_node.input[0]].reshape(-1, weights.shape[1])
        kind = self.get_input_datatype()
        bound = int(np.abs(weights).sum(axis=1).max() * max(-kind.min(), kind.max()))
        result = integer.matmul(weights, codes, bound)
        if thresholds is not None:
            table = np.broadcast_to(thresholds, (len(weights), thresholds.shape[1]))
            result = self._ints("ActVal")[0] + integer.count_thresholds(table, result).astype(np.int64)
        context[self.onnx_node.output[0]] = result.reshape(self.get_normal_output_shape()).astype(np.float32)

    def _simulate(self, context: dict[str, np.ndarray], graph: Any) -> None:
        """FINN drives a stream for every input of a node, so it is shown the node without its initialisers."""
        node = onnx.NodeProto()
        node.CopyFrom(self.onnx_node)
        del node.input[1:]
        alone = MVTU_rtl(node)
        RTLBackend.execute_node(alone, context, graph)
        self.set_nodeattr("cycles_rtlsim", alone.get_nodeattr("cycles_rtlsim"))

    def unit(self, model: Any) -> Unit:
        """The unit that this node of ``model`` stands for."""
        weights, thresholds = self._parameters(model.get_initializer)
        codes, products, out = self.get_input_datatype(), self.get_input_datatype(1), self.get_output_datatype()
        pe, simd, lanes, offset = self._ints("PE", "SIMD", "InLanes", "ActVal")
        return Unit(weights=weights, thresholds=thresholds, pe=pe, simd=simd,
                    weight_bits=_bits(products), input_bits=codes.bitwidth(), input_signed=codes.signed(),
                    out_bits=out.bitwidth(), in_lanes=lanes, offset=offset,
                    style=self._style())

    def generate_hdl(self, model: Any, fpgapart: str, clk: float) -> None:
        """Write the unit's wrapper and memory images into the node's folder."""
        folder, name = self.get_nodeattr("code_gen_dir_ipgen"), self.onnx_node.name
        self.unit(model).write(Path(folder), name)
        # The module keeps its name when FINN renames the node; FINN takes a node with these paths for generated.
        for attribute, value in (("gen_top_module", name), ("ipgen_path", folder), ("ip_path", folder)):
            self.set_nodeattr(attribute, value)

    def get_rtl_file_list(self, abspath: bool = False) -> list[str]:
        """The RTL sources, of which :meth:`generate_hdl` writes the first: paths, or names alone."""
        top = Path(self.get_nodeattr("code_gen_dir_ipgen")) / (self.get_nodeattr("gen_top_module") + ".v")
        return [str(file) if abspath else file.name for file in (top, *RTL_FILES)]

    def code_generation_ipi(self) -> list[str]:
        """Block-design commands that make one cell of the generated module."""
        return [*(f"add_files -norecurse {file}" for file in self.get_rtl_file_list(abspath=True)),
                "create_bd_cell -type module -reference {} {}".format(self.get_nodeattr("gen_top_module"),
                                                                      self.onnx_node.name)]

    def _ints(self, *names: str) -> list[int]:
        return [self.get_nodeattr(name) for name in names]

    def _parameters(self, tensor: Callable[[str], Any]) -> tuple[np.ndarray, np.ndarray | None]:
        """Weights int64 [MH, MW] and thresholds int64 [MH or 1, N], ascending; ``tensor`` looks a name up."""
        names = self.onnx_node.input
        weights = tensor(names[1]).T.astype(np.int64)
        return weights, np.sort(np.ceil(tensor(names[2])), axis=1).astype(np.int64) if len(names) > 2 else None


def _bits(kind: Any) -> int:
    """Bits of two's complement that hold every value of a data type."""
    return signed_bits(int(kind.min()), int(kind.max()))
