"""The adapter from AXI3 to AXI4-Lite under a random master and a random slave (cocotb), and with faults in it."""
from __future__ import annotations

from pathlib import Path

import pytest

from quarl.hw.place_and_route import ps7_top
from tests.hw.cocotb_bench import with_fault
from tests.hw.place_and_route.axi3 import ADAPTER
from tests.hw.place_and_route.axi3.model import FIXED, INCR, WRAP, Burst
from tests.hw.shell.test_shell import lint

ZYNQ = {"AW": 12, "IW": 12}


def test_the_addresses_of_a_burst() -> None:
    """The model itself, on examples worked out by hand."""
    assert [Burst(0, 0x12, 4, 2, INCR).at(n) for n in range(4)] == [0x12, 0x14, 0x18, 0x1C]
    assert [Burst(0, 0x16, 4, 1, WRAP).at(n) for n in range(4)] == [0x16, 0x10, 0x12, 0x14]
    assert [Burst(0, 0x13, 2, 1, FIXED).at(n) for n in range(2)] == [0x13, 0x13]
    assert [Burst(0, 0x11, 3, 1, INCR).lanes(n) for n in range(3)] == [0b0010, 0b1100, 0b0011]


def test_the_adapter_is_lint_free() -> None:
    assert lint("axi3_to_axil", ZYNQ, [ps7_top.ADAPTER]) == ""


def test_the_adapter(tmp_path: Path) -> None:
    assert not ADAPTER.failures(ADAPTER.simulate(ZYNQ, tmp_path, effort=3))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("parameters", [ZYNQ, {"AW": 16, "IW": 3}], ids=["zynq", "wide"])
def test_the_adapter_for_long(tmp_path: Path, parameters: dict[str, int], seed: int) -> None:
    """25,000 bursts each way: 200,000 in all."""
    assert not ADAPTER.failures(ADAPTER.simulate(parameters, tmp_path, effort=250, seed=seed))


# A fault in the RTL each: what it says, what the fault makes of it.
FAULTS = {
    "WRAP goes on": ("(burst.addr & ~turn) | (sum & turn)", "sum"),
    "WRAP turns late": ("AW'(burst.len) << burst.size", "AW'(burst.len + 1) << burst.size"),
    "FIXED moves on": ("after.addr = burst.addr; ", "after.addr = sum; "),
    "the size is ignored": ("AW'(1) << burst.size", "AW'(4)"),
    "the length is cut": ("left: s_awlen", "left: s_awlen & 7"),
    "a read is one too long": ("s_rlast   = RBurst.left == 0", "s_rlast   = &RBurst.left"),
    "no strobes are passed on": ("s_wready && s_wvalid && (s_wstrb != 0)", "s_wready && s_wvalid"),
    "a beat without strobes does not count": ("(s_wready && s_wvalid && (s_wstrb == 0)) ||", ""),
    "the last answer is told": ("s_bresp | m_bresp", "m_bresp"),
    "an error stays": ("			s_bresp <= 0;\n", ""),
    "an answer is not passed on": ("s_rresp <= m_rresp", "s_rresp <= 0"),
    "an ID is of the next burst": ("		if(s_awready) begin", "		if(s_awready || s_bvalid) begin"),
    "a response does not wait": ("else if(s_bvalid && s_bready) Write", "else if(s_bvalid) Write"),
    "the address is dropped": ("(m_awvalid && !m_awready)", "1'b0"),
    "the data come twice": ("(m_wvalid && !m_wready)", "(m_wvalid && !m_bvalid)"),
    "a read address stays": ("(m_arvalid && !m_arready)", "(m_arvalid && !m_rvalid)"),
    "a reset forgets the data": ("			m_wvalid  <= 0;\n", ""),
    "a reset forgets a read": ("			Read      <= R_ADDRESS;\n", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(tmp_path: Path, fault: str) -> None:
    adapter = with_fault(ADAPTER.rtl, "axi3_to_axil.sv", *FAULTS[fault], tmp_path)
    found = ADAPTER.failures(ADAPTER.simulate(ZYNQ, tmp_path / "run", effort=1, rtl=adapter))
    assert "AssertionError" in found or "Assertion failed" in found, found or "no test failed"
