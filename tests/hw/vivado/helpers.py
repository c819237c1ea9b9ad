"""The stand-in for Vivado, board files, and results as a kit leaves them."""
from __future__ import annotations

import shutil
from pathlib import Path

import pytest

STUB = Path(__file__).with_name("stub")
VIVADO = STUB / "vivado"
HANDOFF = """<?xml version="1.0"?><EDKSYSTEM EDWVERSION="1.2" VIVADOVERSION="2024.2">
<SYSTEMINFO ARCH="zynq" DEVICE="7z020" NAME="top" PACKAGE="clg400" SPEEDGRADE="-1"/><MODULES><MEMORYMAP>
<MEMRANGE INSTANCE="bridge" SLAVEBUSINTERFACE="s_axi_ctrl" BASEVALUE="0x40000000" HIGHVALUE="0x40000FFF"/>
</MEMORYMAP></MODULES></EDKSYSTEM>"""
HIERARCHY = """<RptDoc><table><tablerow><tableheader contents="Instance"/><tableheader contents="Module"/>
<tableheader contents="Total LUTs"/><tableheader contents="Logic LUTs"/><tableheader contents="LUTRAMs"/>
<tableheader contents="SRLs"/><tableheader contents="FFs"/><tableheader contents="RAMB36"/>
<tableheader contents="RAMB18"/><tableheader contents="DSP Blocks"/></tablerow>
%s</table></RptDoc>"""


def row(*cells: object) -> str:
    """A row of the hierarchical report."""
    return "<tablerow>" + "".join(f'<tablecell contents="{cell}"/>' for cell in cells) + "</tablerow>\n"


def need_tclsh() -> None:
    """Fail, saying what is missing, unless there is a Tcl interpreter for the stand-in."""
    if shutil.which("tclsh") is None:
        pytest.fail("the stand-in for Vivado needs tclsh: apt-get install --no-install-recommends tcl")


def write_board_files(folder: Path) -> Path:
    """Board files of the PYNQ-Z2 below ``folder``, as its vendor packs them."""
    place = folder / "pynq-z2" / "A.0"
    place.mkdir(parents=True)
    (place / "board.xml").write_text('<board schema_version="2.0" vendor="tul.com.tw" name="pynq-z2" '
                                     'display_name="pynq-z2"/>')
    return folder


def write_results(folder: Path) -> Path:
    """Good results for a PYNQ-Z2."""
    folder.mkdir(parents=True)
    (folder / "accel.bit").write_bytes(b"bits")
    (folder / "accel.hwh").write_text(HANDOFF)
    shutil.copy(STUB / "timing_met.rpt", folder / "timing.rpt")
    shutil.copy(STUB / "utilisation.rpt", folder / "utilisation.rpt")
    (folder / "hierarchy.xml").write_text(HIERARCHY % (
        row("top_wrapper", "(top)", 1500, 1400, 60, 40, 1800, 0, 1, 0)
        + row("  instrumentation_wrap_0", "top_instrumentation_wrap_0_0", 400, 390, 8, 2, 700, 0, 0, 0)
        + row("      StreamingDataflowPartition_0_MVTU_rtl_0", "x", 300, 280, 20, 0, 200, 1, 1, 4)))
    return folder
