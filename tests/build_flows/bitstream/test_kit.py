"""The build kits of a small net, replayed by stand-ins for Vivado and Vitis HLS in a real Tcl interpreter; mutations
are caught."""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from quarl.build_flows.bitstream import kit as kits
from quarl.build_flows.bitstream.build import Wish, make_kit
from quarl.build_flows.building import artefacts, parts, subject
from quarl.build_flows.building.imported import digest_of
from quarl.build_flows.building.options import Options
from quarl.host.accelerator import description, handoff
from quarl.host.devices.finn_dma import FinnDmaDevice
from quarl.host.errors import MismatchError, UserError
from quarl.host.policy.integer import accumulators
from quarl.hw import boards
from quarl.hw.engines.registry import ENGINES
from quarl.hw.vivado import verdict
from quarl.hw.vivado.board_files import finn_board
from quarl.models.actors.bits import Bits
from tests.host.devices import pynq_shim
from tests.host.helpers import random_codes
from tests.hw.vivado.helpers import HLS, VIVADO, need_tclsh, write_board_files, write_hls_library

BOARD = boards.board("pynq-z2")
RESULTS = ["accel.bit", "accel.hwh", "hierarchy.xml", "kit.json", "timing.rpt", "utilisation.rpt"]
RESULTS_DMA = sorted([*RESULTS, "settings.json"])


def wishes(shell, folder, board=BOARD):
    """A shell, with all that its kit takes along, below ``folder``."""
    files = write_board_files(folder / "board_files", finn_board(board).part)
    return Wish(shell, files, write_hls_library(folder / "hlslib") if shell == "dma" else None)


@pytest.fixture(scope="session")
def kits_of(built, tmp_path_factory):
    """The kit of the small net for a shell, made once."""
    what, options, accel = built
    made = {}

    def of(shell):
        if shell not in made:
            folder = tmp_path_factory.mktemp(shell)
            make_kit(what, options, accel, folder / "kit", wishes(shell, folder))
            made[shell] = folder / "kit"
        return made[shell]
    return of


@pytest.fixture
def kit(kits_of):
    return kits_of("bridge")


@pytest.fixture
def copy(kit, tmp_path):
    need_tclsh()
    return shutil.copytree(kit, tmp_path / "elsewhere")


@pytest.fixture
def dma(kits_of, tmp_path):
    """A copy of the kit with FINN's DMA shell."""
    need_tclsh()
    return shutil.copytree(kits_of("dma"), tmp_path / "elsewhere")


def replay(folder, **environment):
    return subprocess.run(["./build.sh"], cwd=folder,
                          env={**os.environ, "VIVADO": str(VIVADO), "VITIS_HLS": str(HLS), **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def mutate(folder, file, old, new):
    """Change a source of a kit; what changes nothing proves nothing."""
    script = folder / "src" / file
    content = script.read_text()
    assert old in content
    script.write_text(content.replace(old, new))


@pytest.mark.parametrize("shell", ["bridge", "dma"])
def test_the_kit_names_no_place_outside_itself(kits_of, shell):
    sources = kits_of(shell) / "src"
    text = {file: file.read_text() for folder in sources.iterdir() if folder.name != "rtllib"
            for file in folder.rglob("*") if file.is_file()}
    assert {"make_project.tcl", "ip_config.tcl"} <= {file.name for file in text}
    for file, content in text.items():
        assert not re.findall(r"[\s\"'{](/(?:tmp|root|home|work|usr|var)/\S*)", content), file


def test_the_kit_leaves_every_file_of_the_package(copy):
    done = replay(copy)
    assert done.returncode == 0, done.stdout
    assert sorted(file.name for file in (copy / "results").iterdir()) == RESULTS
    assert handoff.bridge(copy / "results" / "accel.hwh") == (0x40000000, 0x1000)
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
    ("empty", "Fix: see the log in work/shell")])
def test_a_failing_vivado_never_looks_like_success_and_is_gone_on_from(copy, mode, text):
    done = replay(copy, QUARL_STUB=mode)
    assert done.returncode != 0 and text in done.stdout
    assert not (copy / "results").exists()
    done = replay(copy)
    assert done.returncode == 0 and "quarl: step stitch is done\nquarl: step shell begins" in done.stdout


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
    mutate(copy, file, old, new)
    done = replay(copy)
    assert text in done.stdout, done.stdout
    assert done.returncode != 0


def test_a_wrong_address_is_caught_by_the_verdict(copy):
    mutate(copy, "shell/ip_config.tcl", "set axi_peripheral_base 0x40000000", "set axi_peripheral_base 0x40000400")
    assert replay(copy).returncode == 0
    with pytest.raises(UserError, match=r"must place the bridge at 0x40000000, found 0x40001000"):
        verdict.check(copy / "results", BOARD, "bridge")


def test_bad_surroundings_are_told_before_vivado_starts(copy):
    assert "error: no program /nowhere/vivado. Fix: source Vivado's settings64.sh" in replay(
        copy, VIVADO="/nowhere/vivado").stdout
    shutil.rmtree(copy / "board_files")
    done = replay(copy)
    assert done.returncode == 2
    assert "error: no board files of tul.com.tw:pynq-z2:part0:1.0 in board_files. Fix: unpack them there" in done.stdout
    spaced = copy.rename(copy.with_name("a b"))
    assert "error: Vivado needs a path of plain characters" in replay(spaced).stdout


def test_the_dma_shell_goes_on_and_leaves_what_finns_driver_needs(dma, built):
    done = replay(dma, QUARL_STUB="hls")
    assert done.returncode == 1 and "ERROR: [HLS 214-194] in function" in done.stdout
    assert not list((dma / "work").glob("*.done"))
    done = replay(dma, QUARL_STUB="killed")
    assert done.returncode == 137
    assert sorted(file.stem for file in (dma / "work").glob("*.done")) == [
        "hls_idma0", "hls_odma0", "stitch", "stitch_idma0", "stitch_odma0"]
    done = replay(dma)
    assert done.returncode == 0 and "quarl: step hls_idma0 is done" in done.stdout
    assert sorted(file.name for file in (dma / "results").iterdir()) == RESULTS_DMA
    found = verdict.check(dma / "results", BOARD, "dma")
    assert {parts.group_in_zynq(part) for part in found["parts"]} == {None, "layer 0", "layer 1"}


@pytest.mark.skipif(not pynq_shim.FINN_DRIVER.is_dir(), reason="no FINN+ driver in the environment")
def test_finns_own_driver_takes_the_kits_settings(kits_of, built, tmp_path, monkeypatch):
    policy, accel = built[0].policy, built[2]
    shutil.copy(accel / "accel.json", tmp_path)
    shutil.copy(kits_of("dma") / "settings.json", tmp_path)
    (tmp_path / "accel.bit").touch()
    geometry = description.read(accel).geometry

    def compute(frame):
        codes = geometry.observation.unpack(frame.reshape(-1)).astype(np.int8)
        return geometry.action.pack(accumulators(policy, codes))[0]

    pynq_shim.install(monkeypatch, pynq_shim.Board(compute=compute))
    codes = random_codes(policy, 20, 0)
    with FinnDmaDevice(policy, tmp_path) as device:
        for row, expected in zip(codes, accumulators(policy, codes), strict=True):
            assert np.array_equal(device.step(row).accumulators, expected)
            assert np.array_equal(device.driver.execute(row.astype(np.float32)[None])[0], expected)


@pytest.mark.parametrize(("file", "old", "new", "text"), [
    ("hls_idma0/hls_syn_*.tcl", "csynth_design", "synth_design", 'invalid command name "synth_design"'),
    ("hls_idma0/hls_syn_*.tcl", "-format ip_catalog", "-kind ip_catalog", "Unknown option '-kind'"),
    ("hls_odma0/hls_syn_*.tcl", "hwsrcdir/top_", "hwsrcdir/the_", "The source file '"),
    ("hls_odma0/top_*.cpp", "m_axi offset=slave port=out0_V", "m_axi offset=slave port=out1_V", "no port 'out1_V'"),
    ("hls_idma0/top_*.cpp", '#include "dma.h"', '#include "dmas.h"', "'dmas.h' file not found"),
    ("stitch_idma0/make_project.tcl", "name m_axi_gmem0 ", "name m_axi_gmem1 ", "no segment"),
    ("shell/ip_config.tcl", "odma0/m_axi_gmem0", "odma0/m_axi_gmem", "No bus matched"),
    ("shell/ip_config.tcl", "[get_bd_intf_pins odma0/m_axi_gmem0] [get_bd_intf_pins smartconnect_0/S01_AXI]",
     "[get_bd_intf_pins odma0/m_axi_gmem0] [get_bd_intf_pins smartconnect_0/S00_AXI]", "is connected twice"),
])
def test_mutations_of_the_dma_shell_are_caught(dma, file, old, new, text):
    source, = (dma / "src").glob(file)
    mutate(dma, source.relative_to(dma / "src"), old, new)
    done = replay(dma)
    assert text in done.stdout, done.stdout
    assert done.returncode != 0


def test_what_the_dmas_need_is_told_before_any_tool_starts(dma, tmp_path):
    shutil.copy(VIVADO, tmp_path)           # without a Vitis HLS beside it
    alone = {"VIVADO": str(tmp_path / "vivado"), "VITIS_HLS": "", "PATH": "/usr/bin:/bin"}
    assert "error: no program vitis_hls. Fix: source Vitis HLS' settings64.sh" in replay(dma, **alone).stdout
    shutil.rmtree(dma / "finn-hlslib")
    done = replay(dma)
    assert done.returncode == 2 and not (dma / "work").exists()
    assert re.search(r"error: no finn-hlslib in the kit\. Fix: run there `git clone https://\S+ finn-hlslib && git -C "
                     r"finn-hlslib checkout \w{40}`", done.stdout)


def test_a_kit_of_the_same_build_is_kept(kit, built):
    what, options, accel = built
    before = (kit / "build.sh").stat().st_mtime_ns
    make_kit(what, options, accel, kit, Wish())
    assert (kit / "build.sh").stat().st_mtime_ns == before
    mark = {"key": artefacts.built_key(accel), "board": "pynq-z2", "shell": "bridge",
            "made_by": digest_of(kits.__name__)}
    assert kits.read(kit) == mark
    assert kits.is_for(kit, mark) and not kits.is_for(kit, {**mark, "shell": "dma"})
    with pytest.raises(UserError, match=r"must be a build kit or its results, with a kit\.json, found /nowhere"):
        kits.read(Path("/nowhere"))


def test_other_weights_than_the_emulated_are_seen(copy, built):
    image = next((copy / "src").rglob("*_weights.dat"))
    image.write_text("0\n")
    with pytest.raises(MismatchError, match=rf"must hold every memory image .* found none like {image.name}"):
        kits.check_images(copy, built[2] / "rtl")


@pytest.mark.parametrize(("working", "temporary"), [("my work", "tmp"), ("work", "t m p"), ("it's", "a (b) & c")])
def test_folders_that_a_shell_would_take_apart(built, tmp_path, monkeypatch, working, temporary):
    what, options, accel = built
    for name in {working, temporary}:
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / working)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / temporary))
    make_kit(what, options, accel, tmp_path / "kit", wishes("bridge", tmp_path))
    assert replay(tmp_path / "kit").returncode == 0
    assert list((tmp_path / temporary).iterdir()) == [] and Path.cwd() == tmp_path / working


def kit_for(tmp_path, options, shell, bits):
    """The kit of an 8-64-64-4 net, replayed: the verdict on it."""
    need_tclsh()
    what = subject.random((8, 64, 64, 4), Bits(bits, bits, 8), 0, tmp_path / "policy", 10)
    accel, board = tmp_path / "accel", boards.board(options.board)
    (accel / "rtl").mkdir(parents=True)
    (accel / "build.json").write_text('{"key": "of no emulated design"}')
    make_kit(what, options, accel, tmp_path / "kit", wishes(shell, tmp_path, board))
    done = replay(tmp_path / "kit")
    assert done.returncode == 0, done.stdout
    found = sorted(file.name for file in (tmp_path / "kit" / "results").iterdir())
    assert found == (RESULTS if shell == "bridge" else RESULTS_DMA)
    return verdict.check(tmp_path / "kit" / "results", board, shell)


@pytest.mark.slow
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shell", ["bridge", "dma"])
def test_kits_of_every_engine_precision_and_shell(shell, engine, bits, tmp_path):
    found = kit_for(tmp_path, Options(compute=engine), shell, bits)
    layers = {parts.group_in_zynq(part) for part in found["parts"]}
    assert {"layer 0", "layer 1", "layer 2"} <= layers and ("bridge" in layers) == (shell == "bridge")
    units = {file.name: file.read_bytes() for file in (tmp_path / "kit" / "src" / "rtllib").rglob("mvu.sv")}
    assert (units["mvu.sv"] == ENGINES["lut"].replaces["mvu.sv"].read_bytes()) == (engine == "lut")


@pytest.mark.slow
@pytest.mark.parametrize(("board", "shell", "engine"), [
    ("pynq-z1", "bridge", "rom"), ("ultra96-v2", "bridge", "dsp"), ("ultra96-v2", "dma", "dsp"),
    ("kv260", "bridge", "rom"), ("kv260", "dma", "rom"), ("aup-zu3_8gb", "bridge", "rom")])
def test_kits_of_other_boards(board, shell, engine, tmp_path):
    found = kit_for(tmp_path, Options(board=board, compute=engine), shell, 4)
    assert found["slack_ns"]["setup"] > 0
    script = (tmp_path / "kit" / "src" / "shell" / "ip_config.tcl").read_text()
    assert f"set BOARD {finn_board(boards.board(board)).name}\n" in script
    if engine == "dsp":         # the generation of the slices that FINN's unit instantiates
        wrapper = tmp_path / "kit" / "src" / "code_gen_ipgen_MVAU_rtl_0" / "MVAU_rtl_0_wrapper.v"
        assert re.search(r"VERSION = 2,", wrapper.read_text())
