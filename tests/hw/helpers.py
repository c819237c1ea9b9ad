"""Small hand-written nodes, their numpy model, and fixtures that stitch and compile them."""
from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.hw.stitching.nodes import Node, Port

RTL = Path(__file__).with_name("rtl")
BUILD_ID = 0xC0FFEE01
# Three beats of three int8 codes (9 bytes: the last word is partial), three beats of one int16 (6 bytes).
GEOMETRY = Geometry(Stream(3, 3, 8, 24), Stream(3, 1, 16, 16))
BIAS, WEIGHTS = np.array([1, -2, 100]), np.array([5, -300, 30000])


def hexadecimal(values: np.ndarray, bits: int) -> str:
    """The text of a memory image."""
    return "".join(f"{int(value) & (1 << bits) - 1:x}\n" for value in values)


def nodes(folder: Path) -> list[Node]:
    """The pipeline add_bias -> lane_sum, generated into ``folder`` as FINN does it: absolute paths, a folder each."""
    bias, total = folder / "bias", folder / "total"
    for place in (bias, total):
        place.mkdir(parents=True)
    (bias / "memblock.dat").write_text(hexadecimal(BIAS, 8))
    (bias / "add_bias.v").write_text((RTL / "add_bias.v").read_text().replace("BIAS_FILE", str(bias / "memblock.dat")))
    (total / "total_weights.dat").write_text(hexadecimal(WEIGHTS, 16))
    (total / "weight_stream.sv").write_text(
        (RTL / "weight_stream.sv").read_text().replace("WEIGHT_PREFIX", str(total / "total_")))
    for name in ("lane_sum.v", "stream_monitor.sv"):
        shutil.copy(RTL / name, total)
    return [
        Node("bias", [f"add_files -norecurse {bias}/add_bias.v",
                      "create_bd_cell -type module -reference add_bias bias"],
             [Port("in0_V", 24)], [Port("out0_V", 24)]),
        Node("total", [
            "create_bd_cell -type hier total",
            "create_bd_pin -dir I -type clk /total/ap_clk",
            "create_bd_intf_pin -mode Slave -vlnv xilinx.com:interface:axis_rtl:1.0 /total/in0_V",
            f"add_files -norecurse {total}/lane_sum.v",
            f"add_files -norecurse {total}/stream_monitor.sv",
            "create_bd_cell -type hier -reference lane_sum /total/sum",
            "connect_bd_net [get_bd_pins total/ap_clk] [get_bd_pins total/sum/ap_clk2x]",
            f"add_files -norecurse {total}/weight_stream.sv",
            "create_bd_cell -type hier -reference weight_stream /total/wstrm",
            "connect_bd_intf_net [get_bd_intf_pins total/wstrm/m_axis_0] [get_bd_intf_pins total/sum/in1_V]",
            *(f"connect_bd_net [get_bd_pins total/{pin}] [get_bd_pins total/{cell}/{pin}]"
              for pin in ("ap_clk", "ap_rst_n") for cell in ("sum", "wstrm")),
            "connect_bd_intf_net [get_bd_intf_pins total/in0_V] [get_bd_intf_pins total/sum/in0_V]",
            "connect_bd_intf_net [get_bd_intf_pins total/out0_V] [get_bd_intf_pins total/sum/out0_V]",
            "save_bd_design"], [Port("in0_V", 24)], [Port("out0_V", 16)])]


def model(codes: np.ndarray) -> np.ndarray:
    """What the pipeline computes: int8 codes [N, 9] to int16 sums [N, 3]."""
    biased = (codes.reshape(-1, 3, 3) + BIAS).astype(np.int8).astype(np.int64)
    return (biased.sum(axis=2) + WEIGHTS).astype(np.int16).astype(np.int32)


def random_codes(n: int, seed: int) -> np.ndarray:
    """Codes [n, 9] over the whole range, none of which makes the poisoned beat."""
    codes = np.random.default_rng(seed).integers(-128, 128, (n, 9))
    codes[:, ::3] = np.minimum(codes[:, ::3], 100)
    return codes
