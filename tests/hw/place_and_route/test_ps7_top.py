"""The plain top of a Zynq-7000: its text under a strict linter, and its netlist."""
from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.errors import UserError
from quarl.hw.boards import board
from quarl.hw.place_and_route.ps7_top import map_top, top_text, write_top
from quarl.hw.stitching.sources import sources_in
from tests.hw.cocotb_bench import with_fault
from tests.hw.helpers import GEOMETRY, model, random_codes
from tests.hw.place_and_route.ps7 import wrong_inferences
from tests.hw.shell.test_shell import lint

Z2 = board("pynq-z2")
RTL = Path(__file__).with_name("rtl")


@pytest.fixture(scope="session")
def mapped(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """What map_top returns for the small pipeline, and the netlist's top module."""
    out = tmp_path_factory.mktemp("ps7")
    found = map_top(folder, GEOMETRY, "lut", Z2, out)
    return found, json.loads((out / "ps7_top.json").read_text())["modules"]["ps7_top"]


def cells(netlist: dict[str, Any], *types: str) -> list[dict[str, Any]]:
    return [cell for cell in netlist["cells"].values() if cell["type"] in types]


def test_the_top_is_lint_free(folder: Path, tmp_path: Path) -> None:
    """Every pin of every instance has the right name and width; PS7's unused pins stay open."""
    found = lint("ps7_top", {}, [RTL / "ps7.sv", *sources_in(folder), *write_top(GEOMETRY, Z2, tmp_path)])
    assert not [line for line in found.splitlines() if "ps7_top.sv" in line], found
    assert "%Error-" not in found, found


def test_the_address_grows_with_the_observation() -> None:
    text = top_text(Geometry(Stream(3073, 1, 8, 8), GEOMETRY.action))
    assert "int unsigned  AW = 13 " in text


def test_the_clock(tmp_path: Path) -> None:
    write_top(GEOMETRY, dataclasses.replace(Z2, clock_mhz=125), tmp_path)
    assert "create_clock -name fclk0 -period 8.000 [get_nets clk]\n" in (tmp_path / "ps7_top.xdc").read_text()


def test_the_netlist_has_the_processing_system(mapped: tuple[dict[str, Any], dict[str, Any]]) -> None:
    _, netlist = mapped
    (system,), (buffer,) = cells(netlist, "PS7"), cells(netlist, "BUFG")
    clock = netlist["netnames"]["clk"]["bits"]
    assert buffer["connections"] == {"I": system["connections"]["FCLKCLK"][:1], "O": clock}
    assert system["connections"]["MAXIGP0ACLK"] == clock
    driven = {bit for cell in netlist["cells"].values() for name, bits in cell["connections"].items()
              if cell["port_directions"][name] == "output" for bit in bits}
    inputs = ("ARREADY", "AWREADY", "WREADY", "BVALID", "BID", "RVALID", "RID", "RDATA", "RLAST")
    assert all(bit in driven for name in inputs for bit in system["connections"]["MAXIGP0" + name])


def test_the_reset_synchroniser_stays_flip_flops(mapped: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Four of them in a row, cleared at once by FCLKRESETN; no shift-register table among them."""
    _, netlist = mapped
    chain = cells(netlist, "FDCE")
    (reset,) = {bit for cell in chain for bit in cell["connections"]["CLR"]}
    makers = [cell for cell in netlist["cells"].values() if reset in cell["connections"].get("O", ())]
    first = cells(netlist, "PS7")[0]["connections"]["FCLKRESETN"][0]
    assert [cell["connections"]["I"] if "I" in cell["connections"] else cell["connections"]["I0"]
            for cell in makers] == [[first]], "an inverter, as CLR is active high"
    stages = {cell["connections"]["Q"][0]: cell["connections"]["D"][0] for cell in chain}
    (bit,) = netlist["netnames"]["shell_i.ap_rst_n"]["bits"]
    for _ in range(4):
        bit = stages.pop(bit)
    assert bit == "1" and not stages


def test_the_netlist_is_what_the_tool_takes(mapped: tuple[dict[str, Any], dict[str, Any]]) -> None:
    found, netlist = mapped
    assert not cells(netlist, "LUT6_2", "$scopeinfo")
    assert {"PS7", "BUFG", "FDCE", "LUT6", "CARRY4"} <= found["cells"].keys()
    assert found["cells"]["PS7"] == found["cells"]["BUFG"] == 1
    assert found["total"]["ff"] == sum(n for cell, n in found["cells"].items() if cell.startswith("FD")) > 400
    assert found["percent"]["lut"] == round(100 * found["total"]["lut"] / Z2.lut, 2)
    assert "adapter_i.Write" in netlist["netnames"], "names lead back to the sources"


def test_the_adapter_is_small(mapped: tuple[dict[str, Any], dict[str, Any]]) -> None:
    _, netlist = mapped
    mine = [cell for name, cell in netlist["cells"].items() if "adapter_i." in name]
    assert 100 < sum(cell["type"].startswith("FD") for cell in mine) < 250
    assert sum(cell["type"].startswith("LUT") for cell in mine) < 250


def test_another_chip_has_no_such_top(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the plain top is for a Zynq-7000, .* found kv260 with a xck26-\S+\. Fix: "
                                        "build with --target bitstream by Vivado"):
        write_top(GEOMETRY, board("kv260"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_whole_top_infers_through_bursts(folder: Path, tmp_path: Path) -> None:
    codes = random_codes(40, 1)
    sources = [*sources_in(folder), *write_top(GEOMETRY, Z2, tmp_path)]
    assert not wrong_inferences(folder, GEOMETRY, sources, codes, model(codes), tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize(("text", "change"), [
    (".s_awlen(gp_awlen)", ".s_awlen(4'd0)"), (".s_wstrb(gp_wstrb)", ".s_wstrb(4'hF)"), (".rst_n,", ".rst_n(1'b1),"),
    (".s_bid(gp_bid)", ".s_bid(gp_rid)"), (".m_rdata(lite_rdata)", ".m_rdata(lite_wdata)")])
def test_a_wrong_wire_is_found(folder: Path, tmp_path: Path, text: str, change: str) -> None:
    codes, changed = random_codes(10, 1), tmp_path / "changed"
    changed.mkdir()
    sources = [*sources_in(folder), *with_fault(write_top(GEOMETRY, Z2, tmp_path), "ps7_top.sv", text, change, changed)]
    assert wrong_inferences(folder, GEOMETRY, sources, codes, model(codes), tmp_path / "run")
