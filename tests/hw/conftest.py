"""Fixtures of hw/: a stitched folder and its emulator, built once a session."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from quarl.host.devices.emulator import Emulator
from quarl.hw.emulation.emulator import build_emulator
from quarl.hw.shell.shell import write_shell
from quarl.hw.stitching.stitch import stitch
from tests.hw.helpers import BUILD_ID, GEOMETRY, nodes


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stitched netlist with its shell, in a folder whose name has a space."""
    place = tmp_path_factory.mktemp("net")
    out = place / "my rtl"
    stitch(nodes(place / "my nodes"), out)
    write_shell(GEOMETRY, BUILD_ID, out)
    return out


@pytest.fixture(scope="session")
def library(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """emulator.so of that netlist."""
    return build_emulator(folder, GEOMETRY, tmp_path_factory.mktemp("emulator"))


@pytest.fixture
def emulator(library: Path, folder: Path) -> Iterator[Emulator]:
    """A fresh emulator."""
    device = Emulator(library, folder)
    yield device
    device.close()
