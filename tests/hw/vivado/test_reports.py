import pytest

from quarl.host.errors import ToolError
from quarl.hw.vivado import reports
from tests.hw.vivado.helpers import HIERARCHY, STUB, row

MET, VIOLATED = ((STUB / f"timing_{name}.rpt").read_text() for name in ("met", "violated"))


def test_slacks_and_worst_paths():
    found = reports.timing(MET)
    assert found["slack_ns"] == {"setup": 1.234, "hold": 0.021, "pulse width": 3.75}
    assert found["worst"]["setup"].startswith("from top_i/StreamingDataflowPartition_0/inst/")
    assert found["worst"]["setup"].endswith("StreamingDataflowPartition_0_MVTU_rtl_0/inst/Total_reg[9]/D")
    assert found["worst"]["hold"].endswith("to top_i/instrumentation_wrap_0/inst/bridge_i/Send_reg[1]/D")
    assert found["worst"]["pulse width"] == "at top_i/StreamingDataflowPartition_0/inst/ram_reg_0_15/CLK"
    assert reports.timing(VIOLATED)["slack_ns"]["setup"] == -0.512


@pytest.mark.parametrize(("text", "message"), [
    ("", "must have a design timing summary, found none"),
    (MET.replace("      1.234   ", "         NA   "), r"must give a setup slack \(WNS\), found NA"),
    (MET.replace("0.021   ", "inf     "), r"must give a hold slack \(WHS\), found inf"),
    (MET.replace("WPWS(ns)", "WXWS(ns)"), r"must give a pulse width slack \(WPWS\), found none"),
])
def test_a_slack_that_is_not_there(text, message):
    with pytest.raises(ToolError, match=message):
        reports.timing(text)


def test_utilisation_with_half_block_rams():
    found = reports.utilisation((STUB / "utilisation.rpt").read_text())
    assert found["used"] == {"lut": 4711, "lut_memory": 711, "ff": 5200, "bram36": 2.5, "dsp": 12}
    assert found["available"] == {"lut": 53200, "lut_memory": 17400, "ff": 106400, "bram36": 140, "dsp": 220}


def test_utilisation_of_other_versions_and_chips():
    text = (STUB / "utilisation.rpt").read_text().replace("|          0 |", "|").replace("Slice", "CLB")
    assert reports.utilisation(text)["used"]["lut"] == 4711
    with pytest.raises(ToolError, match="must tell every resource, found no dsp"):
        reports.utilisation(text.replace("| DSPs", "| XXXs"))


def test_parts_of_the_design():
    found = reports.hierarchy(HIERARCHY % (row("top_wrapper", "(top)", 15, 14, 1, 2, 18, 2, 1, 3)
                                           + row("  a", "m", 5, 4, 1, 0, 8, 0, 1, 0)
                                           + row("    a", "inner", 1, 1, 0, 0, 1, 0, 0, 0)
                                           + row("  b", "m", "", "", "", "", "", "", "", "")))
    assert found == {
        "(top)": {"lut": 15, "lut_logic": 14, "lut_memory": 3, "ff": 18, "bram36": 2.5, "dsp": 3},
        "a": {"lut": 5, "lut_logic": 4, "lut_memory": 1, "ff": 8, "bram36": 0.5, "dsp": 0}}


@pytest.mark.parametrize("text", ["", "<a", "<a><tablerow><tablecell contents='1'/></tablerow></a>"])
def test_what_is_no_hierarchical_report(text):
    with pytest.raises(ToolError, match="must be a table of instances"):
        reports.hierarchy(text)
