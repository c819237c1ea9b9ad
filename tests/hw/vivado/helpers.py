"""The stand-ins for Vivado and Vitis HLS, board files, finn-hlslib, and results as a kit leaves them."""
from __future__ import annotations

import shutil
from pathlib import Path

import pytest

STUB = Path(__file__).with_name("stub")
VIVADO, HLS = STUB / "vivado", STUB / "vitis_hls"
HANDOFF = """<?xml version="1.0"?><EDKSYSTEM EDWVERSION="1.2" VIVADOVERSION="2024.2">
<SYSTEMINFO ARCH="zynq" DEVICE="7z020" NAME="top" PACKAGE="clg400" SPEEDGRADE="-1"/><MODULES><MEMORYMAP>
%s
</MEMORYMAP></MODULES></EDKSYSTEM>"""
BRIDGE = '<MEMRANGE INSTANCE="bridge" SLAVEBUSINTERFACE="s_axi_ctrl" BASEVALUE="0x40000000" HIGHVALUE="0x40000FFF"/>'
DMAS = "".join(f'<MEMRANGE INSTANCE="{name}" SLAVEBUSINTERFACE="s_axi_control_0" BASEVALUE="0x4000{page}000" '
               f'HIGHVALUE="0x4000{page}FFF"/>\n' for page, name in enumerate(("idma0", "odma0")))
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


def write_board_files(folder: Path, part: str = "tul.com.tw:pynq-z2:part0:1.0") -> Path:
    """Files of the board ``part`` below ``folder``, as its vendor packs them."""
    vendor, name, _, version = part.split(":")
    place = folder / name / "A.0"
    place.mkdir(parents=True)
    (place / "board.xml").write_text(f'<board schema_version="2.0" vendor="{vendor}" name="{name}" '
                                     f'display_name="{name}"><file_version>{version}</file_version></board>')
    return folder


def write_hls_library(folder: Path) -> Path:
    """The headers of finn-hlslib that a DMA includes, empty."""
    folder.mkdir(parents=True)
    (folder / "bnn-library.h").write_text('#include <ap_int.h>\n#include "streamtools.h"\n#include "dma.h"\n')
    for name in ("streamtools.h", "dma.h"):
        (folder / name).write_text("#include <hls_stream.h>\n")
    return folder


def write_results(folder: Path, shell: str = "bridge") -> Path:
    """Good results for a PYNQ-Z2."""
    folder.mkdir(parents=True)
    (folder / "accel.bit").write_bytes(b"bits")
    (folder / "accel.hwh").write_text(HANDOFF % (BRIDGE if shell == "bridge" else DMAS))
    if shell == "dma":
        (folder / "settings.json").write_text('{"driver_information": {}}')
    shutil.copy(STUB / "timing_met.rpt", folder / "timing.rpt")
    shutil.copy(STUB / "utilisation.rpt", folder / "utilisation.rpt")
    (folder / "hierarchy.xml").write_text(HIERARCHY % (
        row("top_wrapper", "(top)", 1500, 1400, 60, 40, 1800, 0, 1, 0)
        + row("  instrumentation_wrap_0", "top_instrumentation_wrap_0_0", 400, 390, 8, 2, 700, 0, 0, 0)
        + row("      StreamingDataflowPartition_0_MVTU_rtl_0", "x", 300, 280, 20, 0, 200, 1, 1, 4)))
    return folder
