import pytest

from quarl.hw.synthesis.once import yosys_cached


@pytest.fixture
def design(tmp_path):
    (tmp_path / "wire.v").write_text("module wire_m(input a, output [3:0] b); assign b = {4{a}}; endmodule\n")
    return tmp_path


def test_what_is_made_once_and_what_makes_it_anew(design, tmp_path, monkeypatch):
    monkeypatch.setenv("QUARL_CACHE", str(tmp_path / "cache"))
    code = tmp_path / "our code"
    code.write_text("1")
    (design / "image.dat").write_text("0")
    (design / "notes.txt").write_text("no input")
    fills = []

    def fill(work, files, stage):
        fills.append((files, sorted(file.name for file in work.iterdir())))
        (stage / "answer").write_text("42")

    def made(key="key", top="wire_m"):
        folder = yosys_cached("kind", design, top, (key,), (code,), fill)
        assert (folder / "answer").read_text() == "42"
        return len(fills)

    assert (made(), made()) == (1, 1), "what is there is not made again"
    assert fills == [(["wire.v"], ["image.dat", "wire.v"])], "copies of the inputs, and nothing else"
    assert made(key="other") == 2, "what the caller says decides"
    for count, file in enumerate((code, design / "image.dat", design / "wire.v"), start=3):
        file.write_text(file.read_text() + "\n")
        assert (made(), made()) == (count, count), f"the content of {file.name} decides"
    (design / "image.dat").rename(design / "moved.dat")
    assert made() == 6, "names decide, for the sources tell them"
    (design / "quarl_shell.sv").write_text("module quarl_shell; endmodule\n")
    assert made() == 6, "the shell is no input of a design that lies in it"
    assert made(top="quarl_shell") == 7 and fills[-1][0] == ["quarl_shell.sv", "wire.v"]
