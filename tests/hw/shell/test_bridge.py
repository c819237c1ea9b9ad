"""The bridge under a real AXI4-Lite master (cocotb, cocotbext-axi), held to a model of it in every cycle."""
from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from quarl.host.accelerator import registers as reg
from quarl.host.devices.emulator import Emulator
from quarl.host.errors import ToolError
from quarl.hw.emulation.emulator import build_emulator
from quarl.hw.shell.shell import BRIDGE_FILES
from tests.hw.cocotb_bench import with_fault
from tests.hw.helpers import GEOMETRY
from tests.hw.shell.bridge import BRIDGE


def sizes(obs: int, beat_in: int, act: int, beat_out: int, aw: int = 12) -> dict[str, int]:
    """The bridge's parameters, from bytes of the observation, its beats, the action, and its beats."""
    return {"OBS_BYTES": obs, "IN_W": 8 * beat_in, "ACT_BYTES": act, "OUT_W": 8 * beat_out, "AW": aw}


def name(parameters: dict[str, int]) -> str:
    return "-".join(map(str, parameters.values()))


SIZES = sizes(9, 3, 6, 2)


def test_the_bridge(tmp_path: Path) -> None:
    assert not BRIDGE.failures(BRIDGE.simulate(SIZES, tmp_path, effort=3))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("parameters", [
    SIZES, sizes(1, 1, 1, 1), sizes(3, 3, 4, 4), sizes(4, 1, 8, 8), sizes(8, 8, 4, 1), sizes(105, 1, 24, 4),
    sizes(105, 105, 3, 3), sizes(17, 1, 36, 12), sizes(3073, 7, 768, 4, aw=13)], ids=name)
def test_the_bridge_at_many_sizes(tmp_path: Path, parameters: dict[str, int], seed: int) -> None:
    effort = 10 if parameters["OBS_BYTES"] < 1000 else 1
    assert not BRIDGE.failures(BRIDGE.simulate(parameters, tmp_path, effort, seed))


# A fault in the RTL each: file, what it says, what the fault makes of it.
_BRIDGE, _PORT = "axil_bridge.sv", "axil_port.sv"
FAULTS = {
    "a strobe is ignored": (_BRIDGE, "== word(OBSERVATION + 4*i))? wr_strb : 0", "== word(OBSERVATION + 4*i))? '1 : 0"),
    "strobes of TIMEOUT": (_BRIDGE, "if(wr_timeout && wr_strb[b])", "if(wr_timeout)"),
    "strobe of CTRL": (_BRIDGE, "(wr_addr == word(CTRL)) && wr_strb[0]", "(wr_addr == word(CTRL))"),
    "the minimum is not reset": (_BRIDGE, "LatencyMin  <= '1;", ""),
    "the maximum is not reset": (_BRIDGE, "LatencyMax  <= 0;", ""),
    "minimum and maximum": (_BRIDGE, "if(latency_now < LatencyMin)", "if(latency_now > LatencyMin)"),
    "the latency is off by one": (_BRIDGE, "latency_now = Latency + 1", "latency_now = Latency"),
    "a refused start restarts the latency": (_BRIDGE, "Latency  <= accept?", "Latency  <= start?"),
    "the sum is cut off": (_BRIDGE, "LatencySum + 64'(latency_now)", "64'(32'(LatencySum) + latency_now)"),
    "the upper half is of another time": (_BRIDGE, "rd_data = CyclesHi;", "rd_data = Cycles[63:32];"),
    "the sum's upper half is of another time": (_BRIDGE, "rd_data = LatencySumHi;", "rd_data = LatencySum[63:32];"),
    "the reset does not reach the accelerator": (_BRIDGE, "!Clear && (ResetCount == 0)", "ap_rst_n"),
    "the reset is short": (_BRIDGE, "ResetCount <= '1;", "ResetCount <= 14;"),
    "the reset forgets a flag": (_BRIDGE, "			Sending <= 0;\n		end\n		else", "		end\n		else"),
    "a start does not wait for the reset": (_BRIDGE, "Pending && accel_rst_n && !Busy", "Pending && !Busy"),
    "a start while busy is taken": (_BRIDGE, "accept   = start && !Busy && !Pending", "accept   = start && !Pending"),
    "an overrun is forgotten": (_BRIDGE, "Overrun <= 1;", "Overrun <= !Overrun;"),
    "done stays after a start": (_BRIDGE, "if(accept)            Done    <= 0;", ""),
    "the observation is not copied": (_BRIDGE, "obs_tdata  = Send[IN_W-1:0]", "obs_tdata  = Obs[IN_W/8-1:0]"),
    "a start that waits is not copied": (_BRIDGE, "if(Accepted)  Send", "if(launch)  Send"),
    "beats come in the wrong order": (_BRIDGE, "{ act_tdata, Act } >> OUT_W", "{ Act, act_tdata }"),
    "WAIT does not wait for a start just now": (_BRIDGE, "&& (start || Pending || Busy)", "&& (Pending || Busy)"),
    "WAIT gives up late": (_BRIDGE, "!rd? Timeout : Remaining - 1", "!rd? Timeout + 1 : Remaining - 1"),
    "the timeout is not kept": (_BRIDGE, "if(rd && waiting && expired)  TimedOut", "if(0)  TimedOut"),
    "a start leaves the timeout": (_BRIDGE, "else if(accept)                    TimedOut <= 0;", ""),
    "START acts with SOFT_RESET": (_BRIDGE, "|(wr_data & CTRL_START) && !soft_reset", "|(wr_data & CTRL_START)"),
    "the first byte starts": (_BRIDGE, "wr_obs[OBS_BYTES-1] && AutoStart", "wr_obs[0] && AutoStart"),
    "stalls count beats": (_BRIDGE, "if(obs_tvalid && !obs_tready)  Stall", "if(obs_tvalid && obs_tready)  Stall"),
    "an address is not decoded whole": (_BRIDGE, "unique case(rd_addr)", "case(rd_addr & ~(WA'('h200)))"),
    "a read-only register is written": (_BRIDGE, "(wr_addr == word(TIMEOUT));", "(wr_addr | 1) == word(TIMEOUT);"),
    "an error is answered": (_BRIDGE, "s_axi_ctrl_rresp = 0", "s_axi_ctrl_rresp = rd_addr == word(TIMEOUT) + 1? 2 : 0"),
    "a response is lost": (_PORT, "HasAddr <= bvalid? !bready", "HasAddr <= bvalid? 0"),
    "data replaces what was taken": (_PORT, "if(wready) begin", "if(wvalid) begin"),
    "an answer is dropped": (_PORT, "(rvalid && !rready)", "1'b0"),
    "an answer changes": (_PORT, "if(rd && rd_ack)        rdata", "                        rdata"),
    "ready follows valid": (_PORT, "awready = !HasAddr;", "awready = !HasAddr && awvalid;"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(tmp_path: Path, fault: str) -> None:
    bridge = with_fault(BRIDGE_FILES, *FAULTS[fault], tmp_path)
    found = BRIDGE.failures(BRIDGE.simulate(SIZES, tmp_path / "run", effort=3, rtl=bridge))
    assert found, "no test failed"
    assert "AssertionError" in found or "Assertion failed" in found, found


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "found"), [
    ((_PORT, "bvalid  = HasAddr && HasData", "bvalid  = HasAddr && HasData || rvalid"),
     "a response to a write that was not made"),
    ((_PORT, "bvalid  = HasAddr && HasData", "bvalid  = HasAddr && HasData && !wr"), "a write without a response"),
    ((_BRIDGE, "s_axi_ctrl_bresp = 0", "s_axi_ctrl_bresp = 2"), "a write was answered with an error"),
    ((_BRIDGE, "s_axi_ctrl_rresp = 0", "s_axi_ctrl_rresp = 3"), "a read was answered with an error"),
    ((_PORT, "(rd && rd_ack) ||", "(rd && rd_ack) || wr ||"), "an answer to a read that was not made"),
    ((_BRIDGE, "assign	obs_tvalid = Sending", "assign	obs_tvalid = Sending && !Count[0] && Latency[0]"),
     "a beat changed before it was taken")], ids=lambda value: value if isinstance(value, str) else "")
def test_the_emulator_notices_a_broken_rule(folder: Path, tmp_path: Path, fault: tuple[str, str, str],
                                            found: str) -> None:
    place = tmp_path / "broken"
    shutil.copytree(folder, place)
    with_fault([place / source.name for source in BRIDGE_FILES], *fault, place)
    emulator = Emulator(build_emulator(place, GEOMETRY, tmp_path), place)
    try:
        with pytest.raises(ToolError, match=found):
            emulator.stall(0.8, 0)
            emulator.write(reg.CTRL, reg.CTRL_AUTO_START)
            for i in range(3):
                emulator.write(reg.OBSERVATION + 4 * i, 0)
            emulator.read(reg.WAIT)
    finally:
        emulator.close()
