"""openXC7's tools, played by small programs that check what they are given."""
from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from quarl.host.errors import ToolError, UserError
from quarl.hw.boards import board
from quarl.hw.place_and_route.openxc7 import check_cells, find_tools, make_bitstream

Z2 = board("pynq-z2")
PART = Z2.part
# Each takes the very arguments of the real tool, reads its inputs, and writes what the next one demands.
NEXTPNR = """
options.add_argument("--chipdb", required=True); options.add_argument("--xdc", required=True)
options.add_argument("--json", required=True); options.add_argument("--fasm", required=True)
options.add_argument("--freq", required=True, type=float)
given = options.parse_args()
assert open(given.chipdb).read() == "chip" and "create_clock" in open(given.xdc).read()
assert "ps7_top" in json.load(open(given.json))["modules"] and given.freq == 100
print("Info: Max frequency for clock 'clk': 55.00 MHz (FAIL at 100.00 MHz)", file=sys.stderr)
print("Info: Max frequency for clock 'clk': 108.25 MHz (PASS at 100.00 MHz)", file=sys.stderr)
open(given.fasm, "w").write("fasm of " + given.json)
"""
FRAMES = """
options.add_argument("--part", required=True); options.add_argument("--db-root", required=True)
options.add_argument("fasm")
given = options.parse_args()
assert given.part == "xc7z020clg400-1" and os.path.isdir(given.db_root)
assert open(given.fasm).read().startswith("fasm")
print("frames")
print("a warning", file=sys.stderr)
"""
BIT = """
options.add_argument("--part_file", required=True); options.add_argument("--part_name", required=True)
options.add_argument("--frm_file", required=True); options.add_argument("--output_file", required=True)
given = options.parse_args()
assert open(given.part_file).read() == "part" and given.part_name == "xc7z020clg400-1"
assert open(given.frm_file).read() == "frames\\n"
open(given.output_file, "wb").write(b"header" + bytes.fromhex("ffffffffaa995566") + b"frames")
"""


def program(folder: Path, name: str, body: str) -> None:
    """An executable of that name."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport argparse, json, os, sys\n"
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


def test_from_netlist_to_bitstream(installed: Path, netlist: Path) -> None:
    found = make_bitstream(find_tools(Z2), Z2, netlist)
    assert (found["mhz"], found["wanted_mhz"]) == (108.25, 100), "what is reported last, after routing"
    assert "estimate" in found["timing"] and "block RAM, DSP slices and the PS7" in found["timing"]
    assert (netlist / "ps7_top.bit").read_bytes().endswith(b"\xaa\x99\x55\x66frames")
    assert (netlist / "fasm2frames.log").read_text() == "a warning\n"


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
        make_bitstream(find_tools(Z2), Z2, netlist)
    assert not (netlist / "ps7_top.bit").exists()
    output = {"nextpnr-xilinx": "fasm", "fasm2frames": "frames", "xc7frames2bit": "bit"}[tool]
    assert not (netlist / f"ps7_top.{output}").exists()


@pytest.mark.parametrize(("tool", "body", "found"), [
    ("nextpnr-xilinx", NEXTPNR + "\nopen(given.fasm, 'w')", "nextpnr-xilinx must write ps7_top.fasm, found nothing"),
    ("nextpnr-xilinx", NEXTPNR + "\nos.unlink(given.fasm)", "nextpnr-xilinx must write ps7_top.fasm, found nothing"),
    ("nextpnr-xilinx", NEXTPNR.replace("Max frequency", "Frequency"), "must report the clock that it reached"),
    ("fasm2frames", FRAMES.replace('print("frames")', ""), "fasm2frames must write ps7_top.frames, found nothing"),
    ("xc7frames2bit", "sys.exit(0)", "xc7frames2bit must write ps7_top.bit, found nothing"),
    ("xc7frames2bit", BIT.replace("aa995566", "00"), "must hold the word that a chip waits for")])
def test_a_tool_that_says_all_is_well(installed: Path, netlist: Path, tool: str, body: str, found: str) -> None:
    program(installed, tool, body)
    with pytest.raises(ToolError, match=found):
        make_bitstream(find_tools(Z2), Z2, netlist)


@pytest.mark.parametrize("code", [0, 1])
def test_a_clock_that_is_missed(installed: Path, netlist: Path, code: int) -> None:
    """The tool writes its output, and says so in its exit code or not."""
    program(installed, "nextpnr-xilinx", NEXTPNR.replace("108.25 MHz (PASS", "91.50 MHz (FAIL") + f"\nsys.exit({code})")
    with pytest.raises(ToolError, match=r"found 91\.5 MHz instead of 100 \(an estimate[\s\S]*--timing balanced"):
        make_bitstream(find_tools(Z2), Z2, netlist)
    assert not (netlist / "ps7_top.bit").exists()


def test_cells_that_are_refused() -> None:
    check_cells({"LUT6": 5, "RAM64M": 1})
    with pytest.raises(UserError, match=r"found 3 RAM128X1S\. Fix: build with --compute rom"):
        check_cells({"LUT6": 5, "RAM128X1S": 3})
