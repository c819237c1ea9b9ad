"""`quarl folding` as a user meets it."""
import json

import pytest

from quarl.build_flows.cli import main


@pytest.mark.parametrize("engine", ["rom", "dsp"])
def test_the_frontier_is_listed(trained_run, engine, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["folding", str(trained_run), "--compute", engine, "--max-lut-percent", "40", "--json"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    found = json.loads(last)
    plans = found["plans"]
    assert found["engine"] == engine and found["board"] == "pynq-z2" and len(plans) > 10
    luts, cycles = ([plan[key] for plan in plans] for key in ("lut", "latency_cycles"))
    assert luts == sorted(luts) and cycles == sorted(cycles, reverse=True)
    assert all(plan["lut_percent"] <= 40 for plan in plans)
    assert all(plan["latency_us"] * 100 == pytest.approx(plan["latency_cycles"]) for plan in plans)
    assert [len(plan["folding"]) for plan in plans] == [3] * len(plans)
    assert plans[0]["folds"] == ["min-area"] and plans[-1]["folds"] == ["min-latency"]
    assert sum("balanced" in plan["folds"] for plan in plans) == 1
    title = f"Foldings on engine {engine} within 40 % of pynq-z2, at 100 MHz"
    assert title in lines
    assert sum(" balanced " in line for line in lines[lines.index(title):]) == 1


def test_the_help_explains(capsys):
    with pytest.raises(SystemExit):
        main(["folding", "--help"])
    shown = capsys.readouterr().out
    assert "quarl folding runs/x --compute rom --board pynq-z2 --max-lut-percent 70" in shown
    assert "both are exact" in shown


@pytest.mark.parametrize(("options", "text"), [
    (["--compute", "gpu"], "--compute must be one of rom, dsp, lut, found gpu"),
    (["--max-lut-percent", "0"], "--max-lut-percent must be above 0 and at most 100, found 0"),
    (["--timing", "slow"], "the unit's timing must be one of small, balanced, fast-clock, found slow"),
    (["--max-lut-percent", "1"], "the design must fit 532 LUTs (1 % of pynq-z2's)")])
def test_what_cannot_be_is_explained(trained_run, options, text, capsys):
    assert main(["folding", str(trained_run), *options]) == 2
    assert text in capsys.readouterr().err
