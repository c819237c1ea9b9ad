"""The matrix-vector-threshold unit of rtl/mvtu.sv: its parameters, memory images and timing for one layer."""
from __future__ import annotations

import dataclasses
import functools
import math
from pathlib import Path

import numpy as np

from quarl.host.content import Content
from quarl.host.errors import UserError
from quarl.host.files import write_bytes
from quarl.hw.engines.mvtu.affine import Affine, factor
from quarl.hw.engines.mvtu.design import PARALLEL, SMALL, Design, Style
from quarl.hw.engines.widths import signed_bits, whole_bytes

_RTL = Path(__file__).with_name("rtl")
RTL_FILES = tuple(_RTL / f"{name}.sv" for name in (
    "mvtu_pkg", "mvtu_rom", "mvtu_sequencer", "mvtu_input", "mvtu_sum", "mvtu_tables", "mvtu_multiples", "mvtu_digits",
    "mvtu_dsp", "mvtu_accumulator", "mvtu_reached", "mvtu_thresholds", "mvtu_queue", "mvtu"))


@dataclasses.dataclass(frozen=True, eq=False)
class Unit(Content):
    """A layer on the unit.

    ``weights`` int64 [MH, MW]; ``thresholds`` int64 [MH or 1, N] ascending, or None to put out accumulators;
    ``out_bits`` of a code or an accumulator; ``in_lanes`` codes an input beat; ``offset`` is added to every code.
    Raises :class:`UserError` for values that the unit cannot have.
    """

    weights: np.ndarray
    thresholds: np.ndarray | None
    pe: int
    simd: int
    weight_bits: int
    input_bits: int
    input_signed: bool
    out_bits: int
    in_lanes: int
    offset: int = 0
    style: Style = SMALL

    def __post_init__(self) -> None:
        _ = self.design        # it checks shape and folding
        if _width(self.weights) > self.weight_bits:
            raise UserError(f"every weight must fit {self.weight_bits} bits",
                            f"{self.weights.min()} to {self.weights.max()}", "declare wider weights")
        if self.thresholds is not None and self.thresholds.shape[1] >= 1 << self.out_bits:
            raise UserError(f"codes of {self.out_bits} bits count at most {(1 << self.out_bits) - 1} thresholds",
                            self.thresholds.shape[1], "declare wider codes, or use fewer thresholds")

    @functools.cached_property
    def design(self) -> Design:
        """The unit without its numbers."""
        outputs, inputs = self.weights.shape
        return Design(inputs, outputs, self.pe, self.simd, self.weight_bits, self.input_bits, self.out_bits,
                      self.thresholds is not None, self.in_lanes, self.style)

    @functools.cached_property
    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest accumulator of every channel, int64 [MH] each."""
        low, high = (-(1 << self.input_bits - 1), (1 << self.input_bits - 1) - 1) if self.input_signed else (
            0, (1 << self.input_bits) - 1)
        return (np.minimum(self.weights * low, self.weights * high).sum(axis=1),
                np.maximum(self.weights * low, self.weights * high).sum(axis=1))

    @functools.cached_property
    def affine(self) -> Affine | None:
        """A bias per channel and one shared table that say the same as ``thresholds``, where that is smaller."""
        if self.thresholds is None or len(self.thresholds) == 1 or self.design.passes == 1:
            return None
        return factor(self.thresholds, *self.reach)

    @functools.cached_property
    def parameters(self) -> dict[str, int | str]:
        """The parameters of the RTL module, without the names of the images."""
        low, high = self.reach
        bias_bits = fraction = 0
        if self.affine is not None:
            fraction, bias = self.affine.fraction, self.affine.bias
            if bias.any():
                bias_bits = _width(bias)
                low, high = low + (bias >> fraction), high + (bias >> fraction)
        table, d = self._table(), self.design
        return dict(
            MW=d.inputs, MH=d.outputs, PE=d.pe, SIMD=d.simd, LANES=d.in_lanes, WEIGHT_BITS=d.weight_bits,
            INPUT_BITS=d.input_bits, INPUT_SIGNED=int(self.input_signed),
            ACCUMULATOR_BITS=_width(np.concatenate([low, high])), OUTPUT_BITS=d.out_bits, BIAS_BITS=bias_bits,
            FRACTION=fraction, THRESHOLDS=0 if table is None else table.shape[1],
            THRESHOLD_BITS=1 if table is None else _width(table), SHARED=int(table is None or len(table) == 1),
            OFFSET=self.offset, PRODUCTS=d.form, WEIGHT_STYLE="block" if d.style.weight_rom == "block" else "logic",
            BUFFERED=int(d.buffered), CHAIN=d.chain, OPERAND_REGISTER=int(d.operand_register),
            SUM_REGISTERS=d.sum_registers, TOTAL_REGISTER=int(d.total_register),
            THRESHOLD_REGISTER=int(d.threshold_register), PARALLEL=PARALLEL, QUEUE=d.queue,
            QUEUE_REGISTER=int(d.queue_register), GROUP=d.group)

    def _table(self) -> np.ndarray | None:
        """Thresholds as the unit holds them, int64 [MH or 1, N]: within reach, in units of the fraction."""
        if self.thresholds is None:
            return None
        if self.affine is not None:
            return self.affine.thresholds[None, :]
        low, high = self.reach
        if len(self.thresholds) == 1:
            low, high = low.min(keepdims=True), high.max(keepdims=True)
        return np.clip(self.thresholds, low[:, None], high[:, None] + 1)

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write the Verilog wrapper ``NAME.v`` and the memory images ``NAME_*.dat`` to ``folder``.

        Returns the sources in order: the wrapper, whose module is ``NAME``, and the unit's RTL.
        """
        d, p = self.design, dict(self.parameters)
        words = self.weights.reshape(d.passes, d.pe, d.beats, d.simd).transpose(0, 2, 1, 3).reshape(d.cycles, -1)
        images = {"WEIGHTS": (words, self.weight_bits)}
        if self.affine is not None and p["BIAS_BITS"]:
            images["BIASES"] = (self.affine.bias.reshape(d.passes, d.pe), int(p["BIAS_BITS"]))
        table = self._table()
        if table is not None:
            images["THRESHOLD_TABLE"] = (table.reshape(1 if p["SHARED"] else d.passes, -1), int(p["THRESHOLD_BITS"]))
        for image, (words, bits) in images.items():
            write_bytes(folder / f"{name}_{image.lower()}.dat", _hexadecimal(words, bits))
            p[image] = f"./{name}_{image.lower()}.dat"
        write_bytes(folder / f"{name}.v", _wrapper(name, p, whole_bytes(self.in_lanes * self.input_bits),
                                                   whole_bytes(self.pe * self.out_bits)).encode())
        return [folder / f"{name}.v", *RTL_FILES]


def _width(values: np.ndarray) -> int:
    return signed_bits(int(values.min()), int(values.max()))


def _hexadecimal(words: np.ndarray, bits: int) -> bytes:
    """A memory image: a word a line, whose last element is in the highest bits."""
    digits = math.ceil(words.shape[1] * bits / 4)
    lines = []
    for word in words:
        text = "".join(format(int(value) & (1 << bits) - 1, f"0{bits}b") for value in word[::-1])
        lines.append(f"{int(text, 2):0{digits}x}\n")
    return "".join(lines).encode()


def _wrapper(name: str, parameters: dict[str, int | str], in_width: int, out_width: int) -> str:
    """Plain Verilog, which block designs and Yosys' own reader accept."""
    values = ",\n    ".join(f'.{key}("{value}")' if isinstance(value, str) else f".{key}({value})"
                            for key, value in parameters.items())
    return f"""// Generated: a layer on the matrix-vector-threshold unit
module {name} (
  (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 ap_clk CLK" *)
  (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF in0_V:out0_V, ASSOCIATED_RESET ap_rst_n" *)
  input ap_clk,
  (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
  input ap_rst_n,
  input [{in_width - 1}:0] in0_V_TDATA,
  input in0_V_TVALID,
  output in0_V_TREADY,
  output [{out_width - 1}:0] out0_V_TDATA,
  output out0_V_TVALID,
  input out0_V_TREADY
);
  mvtu #(
    {values}
  ) unit (
    .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
    .s_tdata(in0_V_TDATA), .s_tvalid(in0_V_TVALID), .s_tready(in0_V_TREADY),
    .m_tdata(out0_V_TDATA), .m_tvalid(out0_V_TVALID), .m_tready(out0_V_TREADY)
  );
endmodule
"""
