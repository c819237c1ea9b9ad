import pytest

from quarl.hw.vivado.log import PHASES, Log


def read(*lines):
    log = Log()
    for line in lines:
        log.read(line)
    return log


def test_phases_only_go_forward():
    log = Log()
    seen = []
    for line in ("quarl: step bridge begins", "quarl: step hls_idma0 begins", "quarl: step shell begins",
                 "Command: synth_design -top a", "Command: place_design", "Command: synth_design -top out_of_context",
                 "Command: route_design", "Command: write_bitstream -force top.bit",
                 "INFO: [Common 17-206] Exiting Vivado"):
        log.read(line)
        seen.append(PHASES[log.phase])
    assert seen == ["package the bridge", "synthesise the DMAs", "block design", "synthesis", "placement", "placement",
                    "routing", "bitstream", "bitstream"]


def test_errors_are_told_once_and_without_empty_ones():
    log = read("ERROR: [Synth 8-439] module 'axil_port' not found",
               "ERROR: [Synth 8-439] module 'axil_port' not found",
               "CRITICAL WARNING: [Timing 38-282] The design failed to meet the timing requirements.",
               "ERROR: [Common 17-69] Command failed: Synthesis failed - please see the console")
    assert log.told() == "[Synth 8-439] module 'axil_port' not found"
    assert log.critical_warnings == ["[Timing 38-282] The design failed to meet the timing requirements."]
    assert log.fix() is None


def test_many_errors_are_counted():
    assert read(*(f"ERROR: [A 1-{i}] x" for i in range(8))).told().endswith("[A 1-4] x; and 3 more")


@pytest.mark.parametrize(("line", "fix"), [
    ("ERROR: [Common 17-345] A valid license was not found for feature 'Synthesis' and/or device 'xc7z020'.",
     "XILINXD_LICENSE_FILE"),
    ("couldn't write: No space left on device", "free some space"),
    ("ERROR: [Board 49-71] The board_part definition was not found for tul.com.tw:pynq-z2:part0:1.0.", "board_files"),
    ("ERROR: [Vivado 12-172] File or Directory 'a.v' does not exist", "make the kit again"),
    ("error: no program vivado. Fix: source its settings", "source its settings"),
])
def test_known_causes_have_a_fix(line, fix):
    log = read(line)
    assert log.errors and fix in log.fix()
