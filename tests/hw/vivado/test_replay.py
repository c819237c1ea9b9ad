"""Replaying a kit, told by scripts that behave as Vivado's worst days."""
import os
import time

import pytest

from quarl.host.errors import ToolError
from quarl.hw.vivado.installation import Installation
from quarl.hw.vivado.log import PHASES
from quarl.hw.vivado.replay import LOG, replay
from tests.hw.vivado.helpers import VIVADO

HERE = Installation(VIVADO, "2024.2")


@pytest.fixture
def kit(tmp_path):
    def make(script):
        (tmp_path / "build.sh").write_text(script)
        return tmp_path
    return make


def test_phases_are_told_and_the_log_is_kept(kit):
    seen = []
    folder = kit("echo quarl: step bridge begins; echo Command: place_design; echo $VIVADO $XILINX_LOCAL_USER_DATA\n"
                 "echo 'CRITICAL WARNING: [A 1-1] look' >&2")
    log = replay(folder, HERE, None, seen.append)
    assert [PHASES[phase] for phase in seen] == ["package the bridge", "placement"]
    assert log.critical_warnings == ["[A 1-1] look"]
    assert (folder / LOG).read_text().splitlines()[2] == f"{VIVADO} no"


def test_the_exit_code_and_the_errors_are_told(kit):
    folder = kit("echo 'ERROR: [Synth 8-439] module x not found'; cd / ; exit 1")
    with pytest.raises(ToolError, match=r"Vivado must build the bitstream, found exit code 1: \[Synth 8-439\] module x "
                                        rf"not found\. Fix: see {folder}/{LOG} and mend what it names; repeat the"):
        replay(folder, HERE, None, print)


def test_errors_of_background_runs_are_found(kit):
    folder = kit("exit 1")
    (folder / "work" / "p.runs" / "impl_1").mkdir(parents=True)
    (folder / "work" / "p.runs" / "impl_1" / "runme.log").write_text("ERROR: [Place 30-640] Place Check : too big\n")
    with pytest.raises(ToolError, match=r"exit code 1: \[Place 30-640\] Place Check : too big"):
        replay(folder, HERE, None, print)


@pytest.mark.parametrize("script", ["kill -9 $$", "bash -c 'kill -9 $$'"])
def test_a_killed_vivado(kit, script):
    with pytest.raises(ToolError, match=r"it was ended by SIGKILL: no message in .*usually lacked memory"):
        replay(kit(script), HERE, None, print)


def test_a_time_out_ends_all_that_was_started(kit):
    folder = kit("sleep 600 & echo $! > child; wait")
    with pytest.raises(ToolError, match=r"within the time given by --timeout, found it still ran after 1 s\. Fix: give "
                                        "it more time; repeat the command: finished steps are kept"):
        replay(folder, HERE, None, print, timeout=1)
    child = int((folder / "child").read_text())
    for _ in range(1000):                    # the kernel takes a moment
        try:
            os.kill(child, 0)
            with open(f"/proc/{child}/stat") as stat:
                if stat.read().split()[2] == "Z":
                    return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.02)
    pytest.fail("the child lives on")


def test_an_error_in_the_display_ends_vivado(kit):
    def broken(phase):
        raise RuntimeError("display")

    with pytest.raises(RuntimeError, match="display"):
        replay(kit("echo quarl: step bridge begins; sleep 600"), HERE, None, broken)


def test_a_folder_that_cannot_be_written(kit, monkeypatch):
    folder = kit("true")
    (folder / LOG).mkdir()
    with pytest.raises(ToolError, match=rf"must be in a folder that can be written, found Is a directory at {folder}"):
        replay(folder, HERE, None, print)
