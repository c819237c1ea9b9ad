import re

import pytest

from quarl.host.errors import ToolError
from quarl.hw.tools.yosys import run_yosys


@pytest.fixture
def design(tmp_path):
    (tmp_path / "wire.v").write_text("module wire_m(input a, output [3:0] b); assign b = {4{a}}; endmodule\n")
    return tmp_path


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_the_answer_is_found_wherever_the_log_ends(design, monkeypatch, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    answer = run_yosys({"job": "ports", "files": ["wire.v"], "modules": ["wire_m"]}, design)
    assert answer == {"wire_m": [["a", "input", 1], ["b", "output", 4]]}


def test_a_failure_tells_the_log(design):
    (design / "bad.v").write_text("module bad(; endmodule\n")
    with pytest.raises(ToolError, match=r"Yosys must finish its job \(ports\), found exit code 1:") as caught:
        run_yosys({"job": "ports", "files": ["bad.v"], "modules": ["bad"]}, design)
    assert re.search(r"bad\.v:1: ERROR: syntax error", str(caught.value))
