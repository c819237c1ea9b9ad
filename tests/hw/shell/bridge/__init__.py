"""The bench of the bridge."""
from pathlib import Path

from quarl.hw.emulation.emulator import RTL
from quarl.hw.shell.shell import BRIDGE_FILES
from tests.hw.cocotb_bench import Bench

# Python moves counters on, to see them overflow.
BRIDGE = Bench(__name__, Path(__file__).parent, BRIDGE_FILES, (RTL / "stream_checker.sv", RTL / "axil_checker.sv"),
               tuple(("axil_bridge", name) for name in ("Cycles", "LatencySum", "Count")))
