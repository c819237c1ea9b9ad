"""Licences: which chips need one, and what stands for one."""
import pytest

from quarl.host.errors import ToolError
from quarl.hw.vivado import licence

PAID = "xczu9eg-ffvb1156-2-e"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home without a licence."""
    for name in ("XILINXD_LICENSE_FILE", "LM_LICENSE_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("part", ["xc7z020clg400-1", "xc7z007sclg225-1", "xczu3eg-sbva484-1-e", "xczu7ev-ffvc1156-2-e",
                                  "xck26-sfvc784-2LV-c"])
def test_free_chips(home, part):
    assert licence.check(part, home).startswith("none needed: Vivado ML Standard is free for an xc")


@pytest.mark.parametrize("part", [PAID, "xc7z045ffg900-2", "xczu28dr-ffvg1517-2-e", "xczu11eg-ffvc1760-2-e"])
def test_other_chips(home, part):
    with pytest.raises(ToolError, match=rf"Vivado needs a licence for an {part}, found none in XILINXD_LICENSE_FILE or "
                                        r"LM_LICENSE_FILE, and no \.lic file .* Fix: set XILINXD_LICENSE_FILE to"):
        licence.check(part, home)


def test_files_and_servers(home, monkeypatch):
    (home / ".Xilinx").mkdir()
    (home / ".Xilinx" / "a.lic").write_text("")
    assert licence.check(PAID, home) == f"{home}/.Xilinx/a.lic: only Vivado itself can tell whether it is valid"
    (home / "b.lic").write_text("")
    monkeypatch.setenv("LM_LICENSE_FILE", f"{home}/b.lic:{home}/gone.lic:2100@server")
    assert licence.check(PAID, home).startswith(f"{home}/b.lic, {home}/.Xilinx/a.lic, 2100@server: only")
    (home / ".Xilinx" / "a.lic").unlink()
    monkeypatch.setenv("LM_LICENSE_FILE", f"{home}/gone.lic")
    with pytest.raises(ToolError, match="Vivado needs a licence"):
        licence.check(PAID, home)
