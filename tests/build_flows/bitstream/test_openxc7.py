"""quarl build --target bitstream --toolchain openxc7, its tools played by the programs of tests/hw."""
import json
from pathlib import Path

import pytest

from quarl.build_flows.bitstream.openxc7 import build_openxc7, failed_folder, faster
from quarl.build_flows.building import flow, subject
from quarl.build_flows.building.options import Options
from quarl.build_flows.cli import main
from quarl.host.accelerator.description import Accelerator
from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.errors import ToolError
from quarl.host.policy.codec import encode
from quarl.host.policy.integer import accumulators
from quarl.hw.boards import board
from quarl.hw.place_and_route.openxc7 import find_tools
from quarl.hw.place_and_route.ps7_top import map_top, write_top
from quarl.hw.stitching.sources import sources_in
from quarl.hw.synthesis.count import synthesise
from quarl.models.actors.bits import Bits
from tests.hw.place_and_route.ps7 import wrong_inferences
from tests.hw.place_and_route.test_openxc7 import NEXTPNR, installed, program  # noqa: F401  (a fixture)

Z2 = board("pynq-z2")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_bitstream_of_a_small_accelerator(built, installed, tmp_path):  # noqa: F811
    _, _, accel = built
    out = tmp_path / "openxc7"
    found = build_openxc7(accel, Z2, find_tools(Z2), out)
    report = json.loads((out / "report.json").read_text())
    assert report["total"] == found["total"] and report["clock"]["mhz"] == 108.25
    assert report["used"]["SLICE_LUTX"] == {"used": 4211, "of": 106400}
    assert report["build_id"] == json.loads((accel / "accel.json").read_text())["build_id"]
    assert "create_clock -name fclk0 -period 10.000" in (out / "ps7_top.xdc").read_text()
    kept = (out / "report.json").read_bytes()
    program(installed, "nextpnr-xilinx", NEXTPNR + "\nprint('no route'); sys.exit(255)")
    with pytest.raises(ToolError, match="nextpnr-xilinx must finish, found exit code 255") as error:
        build_openxc7(accel, Z2, find_tools(Z2), out)
    assert (out / "report.json").read_bytes() == kept, "a failed build keeps the one before"
    failed = failed_folder(out)
    assert f"the whole log is {failed}/nextpnr-xilinx.log" in str(error.value)
    assert "no route" in (failed / "nextpnr-xilinx.log").read_text()
    assert (failed / "ps7_top.json").read_bytes() == (out / "ps7_top.json").read_bytes()
    program(installed, "nextpnr-xilinx", NEXTPNR)
    again = build_openxc7(accel, Z2, find_tools(Z2), out)
    assert again["payload_sha256"] == found["payload_sha256"] and not failed.exists()


@pytest.mark.parametrize(("engine", "style", "advice"), [
    ("rom", {"timing": "small"}, "--timing fast-clock instead of small"),
    ("rom", {"timing": "balanced"}, "--timing fast-clock instead of balanced"),
    ("rom", {"timing": "fast-clock"}, "a smaller folding (--fold min-area), or train with fewer bits"),
    ("dsp", {}, "a smaller folding (--fold min-area), or train with fewer bits")])
def test_the_advice_for_a_missed_clock_is_another_choice(engine, style, advice):
    stream = Stream(1, 1, 8, 8)
    assert faster(Accelerator("", 0, "pynq-z2", engine, "100", 100.0, Geometry(stream, stream), 1, 1.0,
                              style=style)) == "build with " + advice


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_cartpole_on_the_pynq_z2(tmp_path):
    """4-64-64-2 at W4 A4: the whole top, counted exactly, fits; what it adds to the shell is the adapter's size.

    Simulated with a processor that writes and reads in bursts, it answers as the integer reference does.
    """
    what = subject.random((4, 64, 64, 2), Bits(4, 4, 8), 1, tmp_path / "policy", 300)
    flow.build(what, Options(target="synth"), tmp_path / "accel")
    found = map_top(tmp_path / "accel" / "rtl", _geometry(tmp_path / "accel"), "rom", Z2, tmp_path / "top")
    shell = synthesise(tmp_path / "accel" / "rtl", "quarl_shell", "rom", Z2)
    netlist = json.loads((tmp_path / "top" / "ps7_top.json").read_text())["modules"]["ps7_top"]
    types = [cell["type"] for cell in netlist["cells"].values()]
    assert types.count("PS7") == types.count("BUFG") == 1 and types.count("FDCE") == 4
    assert found["total"]["ff"] == sum(kind.startswith("FD") for kind in types)
    assert found["total"]["dsp"] == 0 and found["percent"]["lut"] < 20
    assert 100 < found["total"]["ff"] - shell["total"]["ff"] < 250
    assert 50 < found["total"]["lut"] - shell["total"]["lut"] < 250
    print(f"@cartpole top {found['total']} shell {shell['total']}")
    rtl, geometry, codes = (tmp_path / "accel" / "rtl", _geometry(tmp_path / "accel"),
                            encode(what.policy, what.observations[:200]))
    sources = [*sources_in(rtl), *write_top(geometry, Z2, tmp_path / "plain")]
    assert not wrong_inferences(rtl, geometry, sources, codes, accumulators(what.policy, codes), tmp_path / "run")


def _geometry(accel: Path):
    from quarl.host.accelerator import description
    return description.read(accel).geometry


@pytest.mark.parametrize(("arguments", "found"), [
    (["--toolchain", "magic", "--target", "bitstream"], "--toolchain must be openxc7, found magic"),
    (["--toolchain", "openxc7", "--target", "synth"],
     "--toolchain goes with --target bitstream, found --target synth"),
    (["--toolchain", "openxc7", "--target", "bitstream"], "a bitstream by openXC7 needs its tools and databases"),
    (["--verify-netlist"], "--verify-netlist needs a netlist, found --target emulate")])
def test_what_the_command_refuses(trained_run, arguments, found, capsys, monkeypatch):
    monkeypatch.delenv("CHIPDB", raising=False)
    assert main(["build", str(trained_run), *arguments]) == 2
    assert found in capsys.readouterr().err
    assert not (trained_run / "openxc7").exists()
