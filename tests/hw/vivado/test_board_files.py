import dataclasses

import pytest

from quarl.host.errors import ToolError, UserError
from quarl.hw import boards
from quarl.hw.vivado.board_files import FinnBoard, find_board_files, finn_board, vivado_places
from tests.hw.vivado.helpers import write_board_files

PYNQ = FinnBoard("Pynq-Z2", "tul.com.tw:pynq-z2:part0:1.0")


def test_finn_says_which_board_part_a_board_has():
    board = boards.board("pynq-z2")
    assert finn_board(board) == PYNQ and PYNQ.short == "pynq-z2"
    assert finn_board(dataclasses.replace(board, name="kv260")).part == "xilinx.com:kv260_som:part0:1.3"
    with pytest.raises(UserError, match=r"must know the board, found arty\. Fix: choose one of: .*pynq-z1, pynq-z2"):
        finn_board(dataclasses.replace(board, name="arty"))
    known = [name for name in boards.names() if name != "zcu111"]       # which has no branch in FINN+'s shell
    assert [finn_board(boards.board(name)).name.lower().removesuffix("_som") for name in known] == known


@pytest.mark.parametrize(("name", "place"), [
    ("ultra96-v2", r"https://github\.com/Avnet/bdf\.git"), ("zcu104", "Vivado's own installer has them"),
    ("kv260", r"https://github\.com/Xilinx/XilinxBoardStore\.git, folder boards/Xilinx/kv260_som")])
def test_every_boards_files_come_from_where_finn_gets_them(name, place):
    with pytest.raises(ToolError, match=rf"unpack them \({place}\) and pass"):
        find_board_files(finn_board(boards.board(name)), [])


def test_board_files_of_another_version(tmp_path):
    write_board_files(tmp_path, "tul.com.tw:pynq-z2:part0:2.1")
    with pytest.raises(ToolError, match=r"needs the board files of tul\.com\.tw:pynq-z2:part0:1\.0, found version "
                                        rf"2\.1 in {tmp_path}/pynq-z2/A\.0\. Fix: unpack"):
        find_board_files(PYNQ, [tmp_path])


def test_board_files_are_found_wherever_they_are(tmp_path):
    places = vivado_places(tmp_path / "Vivado")
    other = places[0] / "other"
    other.mkdir(parents=True)
    (other / "board.xml").write_text('<board vendor="tul.com.tw" name="pynq-z1"/>')
    (other / "broken").mkdir()
    (other / "broken" / "board.xml").write_text("<board")
    write_board_files(places[1])
    assert find_board_files(PYNQ, places) == places[1] / "pynq-z2" / "A.0"


def test_missing_board_files(tmp_path):
    with pytest.raises(ToolError, match=rf"board files of tul\.com\.tw:pynq-z2:part0:1\.0, found none below {tmp_path}"
                                        r"\. Fix: unpack them \(https://.*pynq-z2\.zip\) and pass the folder with "
                                        "--board-files"):
        find_board_files(PYNQ, [tmp_path, tmp_path / "missing"])
    with pytest.raises(ToolError, match="found none: there is neither a Vivado nor --board-files to look in"):
        find_board_files(PYNQ, [])
    with pytest.raises(ToolError, match=f"found none: there is no folder {tmp_path}/missing or {tmp_path}/gone. Fix: "):
        find_board_files(PYNQ, [tmp_path / "missing", tmp_path / "gone"])
