"""Vitis HLS and finn-hlslib: found beside Vivado, of its version, or refused with the way to get them."""
import shutil

import pytest

from quarl.host.errors import ToolError
from quarl.hw.vivado import hls
from quarl.hw.vivado.installation import Installation
from tests.hw.vivado.helpers import HLS, VIVADO, write_hls_library


@pytest.fixture
def vivado(tmp_path):
    """A Vivado of a whole installation, as far as folders go."""
    program = tmp_path / "Xilinx" / "Vivado" / "2024.2" / "bin" / "vivado"
    program.parent.mkdir(parents=True)
    shutil.copy(VIVADO, program)
    return Installation(program, "2024.2")


def put(folder):
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "vitis_hls").symlink_to(HLS)
    return folder / "bin" / "vitis_hls"


def test_the_variable_wins_over_the_neighbour_and_that_over_the_path(vivado, tmp_path):
    library = write_hls_library(tmp_path / "finn-hlslib")
    path = {"PATH": f"{HLS.parent}:/usr/bin:/bin"}
    assert hls.find(vivado, library, path) == hls.Hls(HLS, library)
    beside = put(tmp_path / "Xilinx" / "Vitis_HLS" / "2024.2")
    assert hls.find(vivado, library, path).program == beside
    variable = put(tmp_path / "other")
    assert hls.find(vivado, library, {**path, "XILINX_HLS": str(tmp_path / "other")}).program == variable


@pytest.mark.parametrize("variable", [{}, {"XILINX_HLS": "/nowhere"}])
def test_no_vitis_hls(vivado, variable):
    with pytest.raises(ToolError, match=r"FINN's DMA shell needs Vitis HLS 2024\.2, named by XILINX_HLS, beside Vivado "
                                        r"or on the PATH, found none\. Fix: install it with Vivado's installer, choose "
                                        "--shell bridge, or run the command with --script-only"):
        hls.find(vivado, None, {"PATH": "/nowhere", **variable})


def test_another_version_and_one_that_does_not_start(vivado, tmp_path):
    environment = {"PATH": f"{HLS.parent}:/usr/bin:/bin", "QUARL_STUB_HLS_VERSION": "2022.2"}
    with pytest.raises(ToolError, match=r"must be of Vivado's version, 2024\.2, found 2022\.2 at /.*vitis_hls\. "
                                        "Fix: set XILINX_HLS"):
        hls.find(vivado, None, environment)
    broken = tmp_path / "broken" / "bin" / "vitis_hls"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\necho libtinfo.so.5: cannot open >&2; exit 127\n")
    broken.chmod(0o755)
    with pytest.raises(ToolError, match=r"must be of Vivado's version, 2024\.2, found libtinfo\.so\.5: cannot open at"):
        hls.find(vivado, None, {"PATH": "/usr/bin:/bin", "XILINX_HLS": str(tmp_path / "broken")})


def test_one_that_does_not_answer(vivado, tmp_path):
    put(tmp_path / "slow").unlink()
    (tmp_path / "slow" / "bin" / "vitis_hls").write_text("#!/bin/sh\nsleep 600\n")
    (tmp_path / "slow" / "bin" / "vitis_hls").chmod(0o755)
    with pytest.raises(ToolError, match=r"`vitis_hls -version` must tell its version, found no answer in 0\.3 s from "
                                        rf"{tmp_path}/slow/bin/vitis_hls\. Fix: run it by hand"):
        hls.find(vivado, None, {"PATH": "/usr/bin:/bin", "XILINX_HLS": str(tmp_path / "slow")}, timeout=0.3)


def test_the_library_is_the_given_one_or_finns(tmp_path):
    library = write_hls_library(tmp_path / "finn-hlslib")
    assert hls.find_library(library, {}) == library
    assert hls.find_library(None, {"FINN_DEPS": str(tmp_path)}) == library
    (library / ".git").mkdir()
    commit = hls.clone().split()[-1]
    for head in ("ref: refs/heads/main", commit):
        (library / ".git" / "HEAD").write_text(head + "\n")
        assert hls.find_library(library, {}) == library


def test_no_library_and_one_of_another_commit(tmp_path):
    with pytest.raises(ToolError, match=rf"DMA shell needs finn-hlslib, found no bnn-library\.h in {tmp_path}\. Fix: "
                                        r"run `git clone https://github\.com/Xilinx/finn-hlslib\.git finn-hlslib && "
                                        r"git -C finn-hlslib checkout [0-9a-f]{40}` and pass that folder with --hls"):
        hls.find_library(tmp_path, {})
    library = write_hls_library(tmp_path / "finn-hlslib")
    (library / ".git").mkdir()
    (library / ".git" / "HEAD").write_text("0123456789" * 4 + "\n")
    with pytest.raises(ToolError, match=r"must be the one that FINN\+ is made for, commit [0-9a-f]{12}, found "
                                        rf"012345678901 in {library}\. Fix: run `git -C {library} checkout "
                                        "[0-9a-f]{40}`"):
        hls.find_library(library, {})
