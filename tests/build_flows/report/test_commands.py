"""The commands that a report gives to make its run again: complete, and understood by `quarl` itself."""
from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from quarl.build_flows.cli import _parser as parser
from quarl.build_flows.cli.arguments import pairs
from quarl.build_flows.report import commands, write_report
from quarl.build_flows.report.inputs import read_run
from tests.build_flows.report.report_runs import Page, configure, make_run


# Per change of config.yaml, the options that it puts between --seed 3 and --out.
@pytest.mark.parametrize(("changes", "options"), [
    ({}, ["--steps", "512"]),
    ({"learning_rate": 1e-5, "net_arch": [32, 32], "target_return": None, "clip_range": "lin_0.3"},
     ["--steps", "512", "--set", "learning_rate=1.0e-05", "--set", "net_arch=[32, 32]", "--set", "target_return=null",
      "--set", "clip_range=lin_0.3"])])
def test_settings_are_told_where_they_differ_from_the_preset(
        tmp_path: Path, changes: dict[str, Any], options: list[str]) -> None:
    from quarl.models.tasks.presets import preset
    usual = preset("ppo", "CartPole-v1", {"total_steps": 512})
    run = configure(make_run(tmp_path / "x"), settings={**usual, **changes})
    [command] = commands.train(run)
    words = shlex.split(command)
    assert sorted(words[words.index("--seed") + 2:-2]) == sorted(options)
    args = parser().parse_args(words[1:])
    assert preset("ppo", "CartPole-v1", {"total_steps": args.steps, **pairs("--set", args.set, "")}) == run.settings


def test_training_options_are_told_where_they_are_not_the_defaults(tmp_path: Path) -> None:
    bits = {"weight": 3, "act": 4, "input": 8, "per_channel": True}
    run = configure(make_run(tmp_path / "x"), bits=bits, delay=4096, precision="bf16", init="/else where/my float",
                    settings={})
    assert commands.train(run) == [
        "quarl train --task CartPole-v1 --algo ppo --weight-bits 3 --act-bits 4 --input-bits 8 --per-channel --seed 3 "
        "--delay 4096 --init 'runs/my float' --precision bf16 --out runs/x"]
    assert "starts from the fp32 run runs/my float , which must be there" in Page(write_report(run.folder)).text
    assert commands.train(configure(run.folder, delay=0, precision="fp32", init=None)) == [
        "quarl train --task CartPole-v1 --algo ppo --weight-bits 3 --act-bits 4 --input-bits 8 --per-channel --seed 3 "
        "--out runs/x"]


@pytest.mark.parametrize(("ptq", "options"), [
    ({"format": "int", "method": "max", "percentile": None}, "--weight-bits 4 --act-bits 4 --input-bits 8"),
    ({"format": "int", "method": "percentile", "percentile": 99.5},
     "--weight-bits 4 --act-bits 4 --input-bits 8 --method percentile --percentile 99.5"),
    ({"format": "fp16", "method": None, "percentile": None}, "--fp16")])
def test_quantisation_after_training_is_reproduced_with_its_training(
        tmp_path: Path, ptq: dict[str, Any], options: str) -> None:
    run = configure(make_run(tmp_path / "y"), ptq={"source": "somewhere/float", **ptq}, settings={})
    training, quantising = commands.train(run)
    assert training == "quarl train --task CartPole-v1 --algo ppo --fp32 --seed 3 --out runs/float"
    assert quantising == f"quarl ptq runs/float {options} --out runs/y"
    assert parser().parse_args(shlex.split(quantising)[1:]).out == Path("runs/y")


def test_fp32_config_is_reproduced_as_such(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "my run")
    (folder / "config.yaml").write_text("{task: CartPole-v1, algo: ppo, seed: 0, bits: null}")
    run = read_run(folder)
    assert commands.train(run) == ["quarl train --task CartPole-v1 --algo ppo --fp32 --seed 0 --out 'runs/my run'"]
    assert write_report(folder).exists()
