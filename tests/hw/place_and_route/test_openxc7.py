"""openXC7's tools, played by small programs that check what they are given."""
from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from quarl.host.errors import ToolError, UserError
from quarl.hw.boards import board
from quarl.hw.place_and_route.openxc7 import Tools, find_tools, make_bitstream

Z2 = board("pynq-z2")
PART = Z2.part
LOG = """
Info: Device utilisation:
Info: \t         SLICE_LUTX:  4211/106400     3%
Info: \t             CARRY4:   310/13300     2%
Info: \t           RAMB36E1:     0/  140     0%

Info: Max frequency for clock 'clk': 55.00 MHz (FAIL at 100.00 MHz)

Info: Critical path report for clock 'clk' (posedge -> posedge):
Info: curr total
Info:  0.5  0.5  Source shell_i.count_reg.Q
Info:  6.1  6.6    Net shell_i.count budget 9.500000 ns (1,26) -> (1,27)
Info:                Sink shell_i.sum_lut.I1
Info:  0.1  6.7  Source shell_i.sum_lut.O
Info:  2.4  9.1    Net shell_i.sum budget 0.000000 ns (1,27) -> (1,27)
Info:                Sink shell_i.sum_reg.D
Info:  0.1  9.2  Setup shell_i.sum_reg.D
Info: 0.7 ns logic, 8.5 ns routing

"""
VERDICT = "Info: Max frequency for clock 'clk': 108.25 MHz (PASS at 100.00 MHz)"
# Each takes the very arguments of the real tool, reads its inputs, and writes what the next one demands.
NEXTPNR = f"""
options.add_argument("--chipdb", required=True); options.add_argument("--xdc", required=True)
options.add_argument("--json", required=True); options.add_argument("--fasm", required=True)
options.add_argument("--freq", required=True, type=float)
given = options.parse_args()
assert open(given.chipdb).read() == "chip" and "create_clock" in open(given.xdc).read()
assert "ps7_top" in json.load(open(given.json))["modules"] and given.freq == 100
print({LOG!r} + "{VERDICT}", file=sys.stderr)
open(given.fasm, "w").write("fasm of " + given.json)
"""
FRAMES = """
options.add_argument("--part", required=True); options.add_argument("--db-root", required=True)
options.add_argument("fasm")
given = options.parse_args()
assert given.part == "xc7z020clg400-1" and os.path.isdir(given.db_root)
assert open(given.fasm).read().startswith("fasm")
print("0x00000000 0x00000000,0x00000000\\n0x00020500 0x00000000,0x000A0000")
print("a warning", file=sys.stderr)
"""
BIT = """
options.add_argument("--part_file", required=True); options.add_argument("--part_name", required=True)
options.add_argument("--frm_file", required=True); options.add_argument("--output_file", required=True)
given = options.parse_args()
assert open(given.part_file).read() == "part" and given.part_name == "xc7z020clg400-1"
assert "0x00020500" in open(given.frm_file).read()
header = given.frm_file.encode() + str(time.time()).encode()     # as the real tool's
open(given.output_file, "wb").write(header + bytes.fromhex("ffffffffaa995566") + b"frames")
"""


def program(folder: Path, name: str, body: str) -> None:
    """An executable of that name."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport argparse, json, os, sys, time\n"
                    f"options = argparse.ArgumentParser(allow_abbrev=False)\n{body}")
    path.chmod(0o755)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs on the PATH, alone there, and the databases."""
    programs = tmp_path / "my programs"
    programs.mkdir()
    for name, body in (("nextpnr-xilinx", NEXTPNR), ("fasm2frames", FRAMES), ("xc7frames2bit", BIT)):
        program(programs, name, body)
    chips, database = tmp_path / "chips", tmp_path / "database" / "zynq7" / PART
    chips.mkdir()
    database.mkdir(parents=True)
    (chips / "xc7z020clg400.bin").write_text("chip")
    (database / "part.yaml").write_text("part")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("CHIPDB", str(chips))
    monkeypatch.setenv("PRJXRAY_DB_DIR", str(tmp_path / "database"))
    return programs


@pytest.fixture
def netlist(tmp_path: Path) -> Path:
    """A folder with a netlist, and what an earlier run left there."""
    folder = tmp_path / "a run"
    folder.mkdir()
    (folder / "ps7_top.json").write_text('{"modules": {"ps7_top": {}}}')
    (folder / "ps7_top.xdc").write_text("create_clock")
    for kind in ("fasm", "frames", "bit"):
        (folder / f"ps7_top.{kind}").write_text("stale")
    return folder


def make(tools: Tools, folder: Path) -> dict[str, Any]:
    return make_bitstream(tools, Z2, folder, Path("kept"), "build faster")


def test_from_netlist_to_bitstream(installed: Path, netlist: Path) -> None:
    found = make(find_tools(Z2), netlist)
    clock = found["clock"]
    assert (clock["mhz"], clock["wanted_mhz"]) == (108.25, 100), "what is reported last, after routing"
    assert "estimate" in clock["timing"] and "block RAM, DSP slices and the PS7" in clock["timing"]
    assert clock["path"] == {"from": "shell_i.count_reg.Q", "to": "shell_i.sum_reg.D", "logic_ns": 0.7,
                             "routing_ns": 8.5, "nets": ["shell_i.count", "shell_i.sum"]}
    assert found["used"] == {"SLICE_LUTX": {"used": 4211, "of": 106400}, "CARRY4": {"used": 310, "of": 13300}}
    assert (netlist / "ps7_top.bit").read_bytes().endswith(b"\xaa\x99\x55\x66frames")
    assert (netlist / "fasm2frames.log").read_text() == "a warning\n"


def test_the_payload_is_the_same_in_every_place_and_at_any_time(installed: Path, netlist: Path, tmp_path: Path) -> None:
    shutil.copytree(netlist, tmp_path / "elsewhere")
    first, second = (make(find_tools(Z2), folder) for folder in (netlist, tmp_path / "elsewhere"))
    assert first == second
    header = (netlist / "ps7_top.bit").read_bytes()
    assert header.startswith(b"ps7_top.frames") and header != (tmp_path / "elsewhere" / "ps7_top.bit").read_bytes()


def test_all_that_is_missing_is_named_at_once(installed: Path, tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    (installed / "fasm2frames").unlink()
    (tmp_path / "chips" / "xc7z020clg400.bin").unlink()
    monkeypatch.delenv("PRJXRAY_DB_DIR")
    with pytest.raises(ToolError, match=r"needs its tools and databases, found no fasm2frames on the PATH; no .*"
                                        r"xc7z020clg400\.bin; no PRJXRAY_DB_DIR\. Fix: install openXC7"):
        find_tools(Z2)


def test_another_family(installed: Path) -> None:
    kria = dataclasses.replace(Z2, name="kria", part="xck26-sfvc784-2LV-c")
    with pytest.raises(UserError, match="openXC7 builds for Zynq-7000 boards, found kria with a xck26"):
        find_tools(kria)


@pytest.mark.parametrize("tool", ["nextpnr-xilinx", "fasm2frames", "xc7frames2bit"])
@pytest.mark.parametrize(("fault", "found"), [
    ('\nprint("it does not fit", file=sys.stderr); sys.exit(3)', r"must finish, found exit code 3:\n[\s\S]*not fit"),
    ("\nos.kill(os.getpid(), 9)", "must finish, found exit code -9")], ids=["fails", "is killed"])
def test_a_tool_that_fails(installed: Path, netlist: Path, tool: str, fault: str, found: str) -> None:
    """All the same whether it has already written its output: no later tool may take that."""
    body = {"nextpnr-xilinx": NEXTPNR, "fasm2frames": FRAMES, "xc7frames2bit": BIT}[tool]
    program(installed, tool, body + fault)
    with pytest.raises(ToolError, match=f"{tool} {found}"):
        make(find_tools(Z2), netlist)
    assert not (netlist / "ps7_top.bit").exists()
    output = {"nextpnr-xilinx": "fasm", "fasm2frames": "frames", "xc7frames2bit": "bit"}[tool]
    assert not (netlist / f"ps7_top.{output}").exists()


@pytest.mark.parametrize(("tool", "body", "found"), [
    ("nextpnr-xilinx", NEXTPNR + "\nopen(given.fasm, 'w')", "nextpnr-xilinx must write ps7_top.fasm, found nothing"),
    ("nextpnr-xilinx", NEXTPNR + "\nos.unlink(given.fasm)", "nextpnr-xilinx must write ps7_top.fasm, found nothing"),
    ("nextpnr-xilinx", NEXTPNR.replace("Max frequency", "Frequency"), "must report the clock that it reached"),
    ("fasm2frames", "", "fasm2frames must write ps7_top.frames, found nothing"),
    ("fasm2frames", FRAMES.replace("A", "0"), "ps7_top.frames must hold frames that are not all zero"),
    ("fasm2frames", "print()", "ps7_top.frames must hold frames that are not all zero"),
    ("xc7frames2bit", "sys.exit(0)", "xc7frames2bit must write ps7_top.bit, found nothing"),
    ("xc7frames2bit", BIT.replace("aa995566", "00"), "must hold the word that a chip waits for")])
def test_a_tool_that_says_all_is_well(installed: Path, netlist: Path, tool: str, body: str, found: str) -> None:
    program(installed, tool, body)
    with pytest.raises(ToolError, match=found):
        make(find_tools(Z2), netlist)


@pytest.mark.parametrize(("code", "level"), [(0, "Warning"), (1, "ERROR")])
def test_a_clock_that_is_missed(installed: Path, netlist: Path, code: int, level: str) -> None:
    """The tool writes its output, and says so in its exit code or not."""
    missed = f"{level}: Max frequency for clock 'clk': 91.50 MHz (FAIL at 100.00 MHz)"
    program(installed, "nextpnr-xilinx", NEXTPNR.replace(VERDICT, missed) + f"\nsys.exit({code})")
    with pytest.raises(ToolError, match=r"found 91\.5 MHz instead of 100 \(an estimate.*; the path from shell_i\.count"
                                        r"_reg\.Q to shell_i\.sum_reg\.D takes 0\.7 ns in logic and 8\.5 ns in 2 nets"
                                        r"\. Fix: build faster; log and netlist are in kept\."):
        make(find_tools(Z2), netlist)
    assert not (netlist / "ps7_top.bit").exists()


@pytest.mark.parametrize(("code", "last"), [
    (255, "ERROR: Failed to route arc 0 of net 'x'"), (134, "ERROR: Assertion failure: false"),
    (1, "ERROR: Unable to place cell 'y'")])
def test_an_error_is_none_of_the_clock(installed: Path, netlist: Path, code: int, last: str) -> None:
    """The log has a clock that is missed, from before routing."""
    program(installed, "nextpnr-xilinx", NEXTPNR.replace(VERDICT, last) + f"\nsys.exit({code})")
    with pytest.raises(ToolError, match=rf"nextpnr-xilinx must finish, found exit code {code}:\n[\s\S]*{last}\n\. Fix: "
                                        r"[\s\S]*the whole log is kept/nextpnr-xilinx\.log"):
        make(find_tools(Z2), netlist)
    assert "FAIL" in (netlist / "nextpnr-xilinx.log").read_text()
