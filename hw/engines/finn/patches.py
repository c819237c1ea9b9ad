"""What must change in FINN's RTL library so that Verilator and Yosys accept it, and so that it is right.

One patched copy serves emulation and synthesis alike: what is emulated is what is synthesised.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple


class Patch(NamedTuple):
    """One change to one library file: what is wrong, and the function that mends the file's text."""

    file: str
    why: str
    apply: Callable[[str], str]


def _swap(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


def _delete(pattern: str) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, "", text, flags=re.DOTALL)


def _hoist_leaf_loads(text: str) -> str:
    block = re.search(r"\n\t\ttypedef int unsigned  leaf_load_t.*?endfunction : init_leaf_loads\n", text, re.DOTALL)
    anchor = "\tlocalparam int unsigned  L = $clog2(N);"
    if block is None:
        return text
    return text.replace(block.group(), "\n").replace(anchor, block.group() + anchor)


PATCHES = (
    Patch("mvu/mvu_vvu_axi.sv",
          "with MW == SIMD and back-pressure the output queue overflows by one, and beats are silently lost",
          _swap("MAX_IN_FLIGHT = CORE_PIPELINE_DEPTH;", "MAX_IN_FLIGHT = CORE_PIPELINE_DEPTH + 2;")),
    Patch("mvu/mvu.sv",
          "the start-up watchdog has a delay and a non-blocking assignment in an initial block (slang refuses)",
          _delete(r"\tif\(1\) begin : blkRecoveryWatch.*?end : blkRecoveryWatch\n")),
    Patch("mvu/add_multi.sv",
          "a constant function inside a generate block (Verilator and slang refuse)",
          _hoist_leaf_loads),
    Patch("fifo/hdl/fifo.sv",
          "an unpacked struct in a constant function (Verilator refuses)",
          _swap("typedef struct {", "typedef struct packed {")),
    Patch("fifo/hdl/fifo.sv",
          "`default_nettype inside a module (slang refuses)",
          _delete(r"`default_nettype [^\n]*\n")),
    Patch("dwc/hdl/vpc.sv",
          "`default_nettype inside a module (slang refuses)",
          _delete(r"`default_nettype [^\n]*\n")),
    Patch("thresholding/hdl/thresholding.sv",
          "a reversed slice in a branch that stage 0 never takes (slang calls it unsynthesizable)",
          _swap("p.ptr[M-1:SN+1] < 2**stage", "(p.ptr[M-1:0] >> (SN+1)) < 2**stage")),
)
