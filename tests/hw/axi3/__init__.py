"""The bench of the adapter from AXI3."""
from pathlib import Path

from hw.shell import RTL
from tests.hw.cocotb_bench import Bench

ADAPTER = Bench(__name__, Path(__file__).parent, (RTL / "axi3_to_axil.sv",), (RTL / "stream_checker.sv",))
