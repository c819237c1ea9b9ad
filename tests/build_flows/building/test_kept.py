"""What is built stays what it is, unless an option asks for something else."""
import dataclasses
import json
import shutil

import pytest

from quarl.build_flows.api import building as api
from quarl.build_flows.bitstream.build import FOLDER, shell_of
from quarl.build_flows.building import kept
from quarl.build_flows.building.options import Options
from quarl.build_flows.cli import main
from quarl.host.accelerator import description
from quarl.host.errors import UserError
from quarl.hw.engines.mvtu.design import Style

DSP = {"engine": "dsp", "fold": "min-area", "board": "kv260", "style": {}}
ROM = {"engine": "rom", "fold": "92", "style": {"timing": "fast-clock", "products": "lut", "weight_rom": "block"}}


@pytest.fixture
def accel(built, tmp_path):
    """The description of the built net, in a run folder."""
    folder = tmp_path / "run" / "accel"
    (folder / "reports").mkdir(parents=True)
    for name in ("accel.json", "reports/estimate.json"):
        shutil.copy(built[2] / name, folder / name)
    return folder


def become(accel, max_lut_percent=70.0, **changes):
    description.write(dataclasses.replace(description.read(accel), **changes), accel)
    (accel / "reports" / "estimate.json").write_text(json.dumps({"max_lut_percent": max_lut_percent}))


def test_the_options_of_a_build_are_found_again(built, accel):
    assert kept.options(accel, {}) == (built[1], "")


@pytest.mark.parametrize(("there", "options", "line"), [
    ({**DSP, "max_lut_percent": 40}, Options("kv260", "dsp", "synth", "min-area", 40.0),
     "kept, as built: --board kv260 --compute dsp --fold min-area --max-lut-percent 40"),
    (ROM, Options("pynq-z2", "rom", "synth", "92", style=Style("fast-clock", "lut", "block")),
     "kept, as built: --fold 92 --timing fast-clock --weight-rom block"),
    ({"engine": "lut", "style": {}}, Options(compute="lut", target="synth"), "kept, as built: --compute lut")])
def test_all_is_kept_where_nothing_is_asked_for(accel, there, options, line):
    become(accel, **there)
    assert kept.options(accel, {}, "synth") == (options, line)


CHANGED = "another accelerator takes the place of the one that is built: "


@pytest.mark.parametrize(("there", "asked", "options", "line"), [
    (DSP, {"fold": "balanced"}, Options("kv260", "dsp"), CHANGED + "--fold balanced (was min-area)"),
    (DSP, {"compute": "dsp"}, Options("kv260", "dsp", fold="min-area"),
     "kept, as built: --board kv260 --compute dsp --fold min-area"),
    (ROM, {"compute": "dsp"}, Options(compute="dsp", fold="92"),
     CHANGED + "--compute dsp (was rom), --timing small (was fast-clock), --weight-rom lut (was block)"),
    (DSP, {"compute": "rom", "timing": "balanced", "max_lut_percent": 50.0},
     Options("kv260", "rom", fold="min-area", max_lut_percent=50.0, style=Style("balanced", "lut", "lut")),
     CHANGED + "--compute rom (was dsp), --max-lut-percent 50 (was 70), --timing balanced (was small)")])
def test_what_is_asked_for_changes_that_alone_and_is_told(accel, there, asked, options, line):
    become(accel, **there)
    assert kept.options(accel, asked) == (options, line)


def test_a_bitstream_that_goes_is_told(accel):
    (accel / "accel.bit").touch()
    assert kept.options(accel, {"fold": "100"})[1] == (
        "another accelerator takes the place of the one that is built, and its bitstream goes: "
        "--fold 100 (was balanced)")


@pytest.mark.parametrize("text", ["", "{}", "null"])
def test_what_cannot_be_read_is_built_anew(accel, text):
    become(accel, **DSP)
    (accel / "accel.json").write_text(text)
    assert kept.options(accel, {}) == kept.options(accel / "none", {}) == (Options(), "")


def test_an_option_that_does_not_exist(accel):
    with pytest.raises(UserError, match="--fold must be min-area"):
        kept.options(accel, {"fold": "flat"})


@pytest.mark.parametrize(("there", "asked", "line"), [
    (DSP, (), "kept, as built: --board kv260 --compute dsp --fold min-area\n"),
    (DSP, ("--board", "kv260"), "kept, as built: --board kv260 --compute dsp --fold min-area\n"),
    (DSP, ("--compute", "rom"), CHANGED + "--compute rom (was dsp)\n")])
def test_the_command_tells_before_any_work(accel, there, asked, line, capsys):
    become(accel, **there)
    (accel.parent / "config.yaml").write_text("{}")
    assert main(["build", str(accel.parent), "--target", "bitstream", "--vivado", "/nowhere", *asked]) == 2
    shown = capsys.readouterr()
    assert shown.out == line and "--vivado must name Vivado's folder" in shown.err


def test_from_python_too(accel, monkeypatch):
    become(accel, **DSP)
    given = []
    monkeypatch.setattr(api, "build_run", lambda run, options, *rest: given.append(options) or 1 / 0)
    for options in (None, Options()):
        with pytest.raises(ZeroDivisionError):
            api.build(accel.parent, options)
    assert given == [Options("kv260", "dsp", fold="min-area"), Options()]


@pytest.mark.parametrize(("text", "shell"), [('{"shell": "dma"}', "dma"), ('{"shell": "none"}', "bridge"),
                                             ("", "bridge"), (None, "bridge")])
def test_the_shell_of_the_kit_is_kept(tmp_path, text, shell):
    (tmp_path / FOLDER).mkdir()
    if text is not None:
        (tmp_path / FOLDER / "kit.json").write_text(text)
    assert shell_of(tmp_path) == shell
