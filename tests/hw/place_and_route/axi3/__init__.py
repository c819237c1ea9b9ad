"""The bench of the adapter from AXI3."""
from pathlib import Path

from quarl.hw.emulation.emulator import RTL
from quarl.hw.place_and_route import ps7_top
from tests.hw.cocotb_bench import Bench

ADAPTER = Bench(__name__, Path(__file__).parent, (ps7_top.ADAPTER,), (RTL / "stream_checker.sv",))
