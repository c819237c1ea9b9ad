import shutil
from pathlib import Path

import pytest

from quarl.host.errors import ToolError
from quarl.hw.vivado import installation
from tests.hw.vivado.helpers import VIVADO


@pytest.fixture
def xilinx(tmp_path):
    """A folder like Vivado's own, with the stand-in in bin/."""
    (tmp_path / "Vivado" / "bin").mkdir(parents=True)
    shutil.copy(VIVADO, tmp_path / "Vivado" / "bin")
    return tmp_path / "Vivado"


def test_finn_names_the_versions():
    assert installation.supported() == ("2022.2", "2024.2")


def test_the_option_wins_over_the_variable_and_that_over_the_path(xilinx, tmp_path):
    path = {"PATH": str(VIVADO.parent)}
    assert installation.find(None, path).program == VIVADO
    variable = {**path, "XILINX_VIVADO": str(xilinx)}
    assert installation.find(None, variable).program == xilinx / "bin" / "vivado"
    found = installation.find(VIVADO, variable)
    assert (found.program, found.version, found.folder) == (VIVADO, "2024.2", VIVADO.parent.parent)


@pytest.fixture
def usual(tmp_path, monkeypatch):
    """Stands in for /tools/Xilinx/Vivado. Returns a function that puts Vivados of some versions there."""
    monkeypatch.setattr(installation, "USUAL", tmp_path)

    def fill(*versions):
        for version in versions:
            (tmp_path / version / "bin").mkdir(parents=True)
            shutil.copy(VIVADO, tmp_path / version / "bin")
        return tmp_path
    return fill


def test_no_vivado(usual):
    nowhere = usual()
    with pytest.raises(ToolError, match=r"a bitstream needs Vivado, named by --vivado, by XILINX_VIVADO, on the PATH "
                                        rf"or in {nowhere}, found none\. Fix: pass --vivado /opt/Xilinx/Vivado/"
                                        r"2024\.2, or run the command with --script-only"):
        installation.find(None, {"PATH": "/nowhere"})


def test_the_newest_supported_one_in_the_usual_place_comes_last(usual, xilinx):
    place = usual("2022.2", "2024.2", "2025.1")
    assert installation.find(None, {"PATH": "/nowhere"}).program == place / "2024.2" / "bin" / "vivado"
    assert installation.find(None, {"PATH": str(VIVADO.parent)}).program == VIVADO
    variable = {"PATH": "/nowhere", "XILINX_VIVADO": str(xilinx)}
    assert installation.find(None, variable).program == xilinx / "bin" / "vivado"


def test_an_unsupported_one_in_the_usual_place_is_named(usual, monkeypatch):
    place = usual("2023.1")
    monkeypatch.setenv("QUARL_STUB_VERSION", "2023.1")
    with pytest.raises(ToolError, match=rf"must be one that FINN\+ supports: .*, found 2023\.1 at {place}/2023\.1/bin"):
        installation.find(None, {"PATH": "/nowhere"})


def test_a_folder_without_vivado(tmp_path):
    with pytest.raises(ToolError, match=rf"--vivado must name Vivado's folder, .* found {tmp_path}"):
        installation.find(tmp_path, {})
    with pytest.raises(ToolError, match=rf"XILINX_VIVADO must name Vivado's folder, .* found {tmp_path}"):
        installation.find(None, {"XILINX_VIVADO": str(tmp_path)})


def test_a_version_that_finn_does_not_support(monkeypatch):
    monkeypatch.setenv("QUARL_STUB_VERSION", "2019.1")
    with pytest.raises(ToolError, match=r"must be one that FINN\+ supports: 2022\.2, 2024\.2, found 2019\.1 at /.*"
                                        r"point --vivado at another"):
        installation.find(VIVADO, {})


def test_a_vivado_that_does_not_start(monkeypatch):
    monkeypatch.setenv("QUARL_STUB", "broken")
    with pytest.raises(ToolError, match=r"must tell its version, found exit code 127, libtinfo\.so\.5: cannot open"):
        installation.find(VIVADO, {})


@pytest.mark.parametrize(("make", "what"), [
    (lambda place: None, "is not there"), (Path.mkdir, "has no bin/vivado that can be run"),
    (Path.touch, "is no program that can be run")])
def test_a_place_that_holds_no_vivado(tmp_path, make, what):
    place = tmp_path / "2024.2"
    make(place)
    for origin, given, variables in (("--vivado", place, {}), ("XILINX_VIVADO", None, {"XILINX_VIVADO": str(place)})):
        with pytest.raises(ToolError) as caught:
            installation.find(given, variables)
        assert str(caught.value) == (f"{origin} must name Vivado's folder, the one with bin/vivado, found {place}, "
                                     f"which {what}. Fix: find it with `find / -path '*/bin/vivado'`, and give the "
                                     "folder above bin.")
