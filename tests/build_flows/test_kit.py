"""The build kit of a small net, replayed by a stand-in for Vivado in a real Tcl interpreter; mutations are caught."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from build_flows import artefacts, subject
from build_flows.bitstream import kit as kits
from build_flows.bitstream import results
from build_flows.bitstream.build import make_kit
from build_flows.flow import Options
from host import hwh
from host.errors import MismatchError, UserError
from hw import boards
from hw.engines import ENGINES
from hw.vivado import verdict
from models.bits import Bits
from tests.hw.vivado.helpers import VIVADO, need_tclsh, write_board_files

BOARD = boards.board("pynq-z2")


@pytest.fixture(scope="session")
def kit(built, tmp_path_factory):
    """The kit of the small net, with board files."""
    what, options, accel = built
    folder = tmp_path_factory.mktemp("kit")
    make_kit(what, options, accel, folder / "kit", write_board_files(folder / "board_files"))
    return folder / "kit"


@pytest.fixture
def copy(kit, tmp_path):
    need_tclsh()
    return shutil.copytree(kit, tmp_path / "elsewhere")


def replay(folder, **environment):
    return subprocess.run(["./build.sh"], cwd=folder, env={**os.environ, "VIVADO": str(VIVADO), **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_the_kit_names_no_place_outside_itself(kit):
    text = {file: file.read_text() for part in ("bridge", "stitch", "shell", "ours") for file in
            (kit / "src" / part).rglob("*") if file.is_file()}
    assert {"package_bridge.tcl", "make_project.tcl", "ip_config.tcl"} <= {file.name for file in text}
    for file, content in text.items():
        assert not re.findall(r"[\s\"'{](/(?:tmp|root|home|work|usr|var)/\S*)", content), file


def test_the_kit_leaves_every_file_of_the_package(copy):
    done = replay(copy)
    assert done.returncode == 0, done.stdout
    assert sorted(file.name for file in (copy / "results").iterdir()) == [
        "accel.bit", "accel.hwh", "hierarchy.xml", "kit.json", "timing.rpt", "utilisation.rpt"]
    assert hwh.bridge(copy / "results" / "accel.hwh") == (0x40000000, 0x1000)
    rows = (copy / "results" / "hierarchy.xml").read_text()
    assert "StreamingDataflowPartition_0_MVTU_rtl_1" in rows and "instrumentation_wrap_0" in rows


def test_a_soft_reset_reaches_the_accelerator(kit):
    script = (kit / "src" / "shell" / "ip_config.tcl").read_text()
    assert ("connect_bd_net [get_bd_pins StreamingDataflowPartition_0/ap_rst_n] "
            "[get_bd_pins instrumentation_wrap_0/accel_rst_n]") in script
    assert script.count("StreamingDataflowPartition_0/ap_rst_n") == 1


def test_a_failure_keeps_the_steps_before_and_a_repeat_goes_on(copy):
    done = replay(copy, QUARL_STUB="killed")
    assert done.returncode == 137
    assert sorted(file.stem for file in (copy / "work").glob("*.done")) == ["bridge", "stitch"]
    assert not (copy / "results").exists()
    done = replay(copy)
    assert done.returncode == 0 and "quarl: step stitch is done" in done.stdout
    done = replay(copy)
    assert done.returncode == 0 and "begins" not in done.stdout
    moved = copy.rename(copy.with_name("moved"))
    done = replay(moved)
    assert done.returncode == 0 and "quarl: step bridge begins" in done.stdout


@pytest.mark.parametrize(("mode", "text"), [
    ("licence", "A valid license was not found"), ("full", "No space left on device"),
    ("empty", "Fix: see work/shell/vivado.log")])
def test_a_failing_vivado_never_looks_like_success(copy, mode, text):
    done = replay(copy, QUARL_STUB=mode)
    assert done.returncode != 0 and text in done.stdout
    assert not (copy / "results").exists()


@pytest.mark.parametrize(("file", "old", "new", "text"), [
    ("stitch/make_project.tcl", "mvtu_sum.sv", "mvtu_some.sv", "work/ours/mvtu_some.sv' does not exist"),
    ("stitch/make_project.tcl", "save_bd_design", "save_bd_desing", 'invalid command name "save_bd_desing"'),
    ("stitch/make_project.tcl", "_MVTU_rtl_1/in0_V]", "_MVTU_rtl_1/in1_V]", "No bus matched"),
    ("shell/ip_config.tcl", "instrumentation_wrap_0/finnix", "instrumentation_wrap_0/finnox", "finnox is Slave"),
    ("shell/ip_config.tcl", "wrap_0/accel_rst_n", "wrap_0/accel_reset", "No pin matched"),
    ("shell/ip_config.tcl", "-to_step write_bitstream", "-until write_bitstream", "Unknown option '-until'"),
    ("bridge/package_bridge.tcl", "add_address_block Reg ", "add_address_block reg0 ", "no address segment is given"),
    ("bridge/package_bridge.tcl", "quarl_registers_pkg.sv", "quarl_register_pkg.sv", "does not exist"),
    ("code_gen_ipgen_MVTU_rtl_0/MVTU_rtl_0.v", "_weights.dat", "_weight.dat", "could not open $readmem data file"),
])
def test_mutations_are_caught(copy, file, old, new, text):
    script = copy / "src" / file
    content = script.read_text()
    assert old in content
    script.write_text(content.replace(old, new))
    done = replay(copy)
    assert text in done.stdout, done.stdout
    assert done.returncode != 0


def test_a_wrong_address_is_caught_by_the_verdict(copy):
    script = copy / "src" / "shell" / "ip_config.tcl"
    script.write_text(script.read_text().replace("set axi_peripheral_base 0x40000000",
                                                 "set axi_peripheral_base 0x40000400"))
    assert replay(copy).returncode == 0
    with pytest.raises(UserError, match=r"must place the bridge at 0x40000000, found 0x40001000"):
        verdict.check(copy / "results", BOARD)


def test_bad_surroundings_are_told_before_vivado_starts(copy):
    assert "error: no program /nowhere/vivado. Fix: source Vivado's settings64.sh" in replay(
        copy, VIVADO="/nowhere/vivado").stdout
    shutil.rmtree(copy / "board_files")
    done = replay(copy)
    assert done.returncode == 2
    assert "error: no board files of tul.com.tw:pynq-z2:part0:1.0 in board_files. Fix: unpack them there" in done.stdout
    spaced = copy.rename(copy.with_name("a b"))
    assert "error: Vivado needs a path of plain characters" in replay(spaced).stdout


def test_a_kit_of_the_same_build_is_kept(kit, built):
    what, options, accel = built
    before = (kit / "build.sh").stat().st_mtime_ns
    make_kit(what, options, accel, kit)
    assert (kit / "build.sh").stat().st_mtime_ns == before
    assert kits.read(kit) == {"key": artefacts.built_key(accel), "board": "pynq-z2", "shell": "bridge"}
    with pytest.raises(UserError, match=r"must be a build kit or its results, with a kit\.json, found /nowhere"):
        kits.read(Path("/nowhere"))


def test_other_weights_than_the_emulated_are_seen(copy, built):
    image = next((copy / "src").rglob("*_weights.dat"))
    image.write_text("0\n")
    with pytest.raises(MismatchError, match=rf"must hold every memory image .* found none like {image.name}"):
        kits.check_images(copy, built[2] / "rtl")


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "bits"), [("rom", 2), ("rom", 8), ("dsp", 4), ("lut", 4), ("dsp", 8)])
def test_kits_of_every_engine_and_precision(engine, bits, tmp_path):
    need_tclsh()
    what = subject.random((8, 64, 64, 4), Bits(bits, bits, 8), 0, tmp_path / "policy", 10)
    accel = tmp_path / "accel"
    (accel / "rtl").mkdir(parents=True)
    (accel / "build.json").write_text('{"key": "of no emulated design"}')
    files = write_board_files(tmp_path / "board_files")
    make_kit(what, Options(compute=engine), accel, tmp_path / "kit", files)
    done = replay(tmp_path / "kit")
    assert done.returncode == 0, done.stdout
    found = verdict.check(tmp_path / "kit" / "results", BOARD)
    layers = {results.group_of(part) for part in found["parts"]}
    assert {"bridge", "layer 0", "layer 1", "layer 2"} <= layers
    units = {file.name: file.read_bytes() for file in (tmp_path / "kit" / "src" / "rtllib").rglob("mvu.sv")}
    assert (units["mvu.sv"] == ENGINES["lut"]["mvu.sv"].read_bytes()) == (engine == "lut")
