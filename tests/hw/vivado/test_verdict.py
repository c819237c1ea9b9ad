import re
import shutil

import pytest

from quarl.host.errors import UserError
from quarl.hw import boards
from quarl.hw.vivado import verdict
from tests.hw.vivado.helpers import STUB, write_results

BOARD = boards.board("pynq-z2")


@pytest.fixture
def results(tmp_path):
    return write_results(tmp_path / "results")


def test_good_results(results):
    found = verdict.check(results, BOARD, "bridge")
    assert found["vivado"] == "2024.2"
    assert found["slack_ns"]["setup"] == 1.234
    assert found["total"]["bram36"] == 2.5 and round(found["percent"]["lut"], 2) == 8.86
    assert found["parts"]["instrumentation_wrap_0"]["lut"] == 400


def test_a_violation_names_the_slack_and_the_path(results):
    shutil.copy(STUB / "timing_violated.rpt", results / "timing.rpt")
    with pytest.raises(UserError, match=r"setup slack must be at least 0 ns at 100 MHz, found -0\.512 ns, worst from "
                                        r"top_i/.*Sum_reg\[3\]/C to .*\. Fix: build with --timing"):
        verdict.check(results, BOARD, "bridge")


@pytest.mark.parametrize(("column", "name"), [(" 0.021", "hold"), (" 3.750", "pulse width")])
def test_hold_and_pulse_width_count_too(results, column, name):
    report = results / "timing.rpt"
    report.write_text(report.read_text().replace(column + " ", "-0.100 ", 1))
    with pytest.raises(UserError, match=rf"the {name} slack must be at least 0 ns at 100 MHz, found -0\.1 ns"):
        verdict.check(results, BOARD, "bridge")


def test_a_chip_that_is_too_small(results):
    shutil.copy(STUB / "utilisation_overfull.rpt", results / "utilisation.rpt")
    with pytest.raises(UserError, match=re.escape("must fit the chip's lut, found 60116 of 53200 (113.0 %)")):
        verdict.check(results, BOARD, "bridge")


@pytest.mark.parametrize("name", ["accel.bit", "accel.hwh", "timing.rpt", "utilisation.rpt", "hierarchy.xml"])
def test_every_file_must_be_there_and_not_empty(results, name):
    (results / name).write_bytes(b"")
    with pytest.raises(UserError, match=rf"{name} must not be empty, found 0 bytes"):
        verdict.check(results, BOARD, "bridge")
    (results / name).unlink()
    with pytest.raises(UserError, match=rf"must have the file {name}, found No such file"):
        verdict.check(results, BOARD, "bridge")


def test_the_bridge_must_be_where_the_driver_looks(results):
    handoff = results / "accel.hwh"
    good = handoff.read_text()
    handoff.write_text(good.replace("0x40000", "0x43C00"))
    with pytest.raises(UserError, match="must place the bridge at 0x40000000, found 0x43c00000"):
        verdict.check(results, BOARD, "bridge")
    handoff.write_text(good.replace("s_axi_ctrl", "s_axi_other"))
    with pytest.raises(UserError, match="must place one slave named s_axi_ctrl, found 0"):
        verdict.check(results, BOARD, "bridge")
    handoff.write_text(good.replace("7z020", "7z010"))
    with pytest.raises(UserError, match=r"must be for xc7z020clg400-1, found device 7z010 .*--board pynq-z2"):
        verdict.check(results, BOARD, "bridge")


def test_ultrascale_shells_begin_elsewhere(results):
    board = boards.board("kv260")
    assert verdict.base_address(board) == 0xA0000000
    with pytest.raises(UserError, match="must place the bridge at 0xa0000000, found 0x40000000"):
        verdict.check(results, board, "bridge")
    handoff = results / "accel.hwh"
    handoff.write_text(handoff.read_text().replace("0x40000", "0xA0000").replace("7z020", "xck26"))
    assert verdict.check(results, board, "bridge")["vivado"] == "2024.2"


def test_the_dmas_must_be_where_the_shell_has_them(tmp_path):
    results = write_results(tmp_path / "results", "dma")
    assert verdict.check(results, BOARD, "dma")["parts"]
    handoff = results / "accel.hwh"
    good = handoff.read_text()
    for change, text in ((("odma0", "odma1"), "must place odma0 at 0x40001000, found no such slave"),
                         (("0x40001000", "0x40002000"), "must place odma0 at 0x40001000, found 0x40002000"),
                         (("</EDKSYSTEM>", ""), "the hardware handoff must be Vivado's, found ")):
        handoff.write_text(good.replace(*change))
        with pytest.raises(UserError, match=text):
            verdict.check(results, BOARD, "dma")
    (results / "settings.json").unlink()
    with pytest.raises(UserError, match=r"must have the file settings\.json, found No such file"):
        verdict.check(results, BOARD, "dma")
