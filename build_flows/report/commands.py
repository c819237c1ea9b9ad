"""The commands that made a run, with the run's own values."""
from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any

import yaml

from quarl.build_flows.report.inputs import Run
from quarl.host.environments.description import Description


def path(folder: str) -> str:
    """A run folder as a reader would name it, wherever it lay when the report was made."""
    return f"runs/{Path(folder).name}"


def folder(run: Run) -> str:
    """The run's folder, quoted for the shell."""
    return shlex.quote(path(run.name))


def train(run: Run) -> list[str]:
    """Make the same policy: by its training, or by training in fp32 and then quantising."""
    config, ptq = run.config, run.config.get("ptq")
    if not ptq:
        return [_train(config, path(run.name))]
    options = [path(ptq["source"]), *(["--fp16"] if ptq["format"] == "fp16" else _bits(config["bits"]))]
    if ptq["percentile"] is not None:
        options += ["--method", ptq["method"], "--percentile", ptq["percentile"]]
    return [_train({**config, "bits": None}, path(ptq["source"])), _quarl("ptq", *options, "--out", path(run.name))]


def _train(config: dict[str, Any], out: str) -> str:
    settings = config.get("settings") or {}
    options = ["--task", config["task"], *Description.of(config["task"], config.get("environment")).options(),
               "--algo", config["algo"],
               *(_bits(config["bits"]) if config.get("bits") else ["--fp32"]), "--seed", config["seed"]]
    if "total_steps" in settings:
        options += ["--steps", settings["total_steps"]]
    if config.get("delay"):
        options += ["--delay", config["delay"]]
    if config.get("init"):
        options += ["--init", path(config["init"])]
    if config.get("precision", "fp32") != "fp32":
        options += ["--precision", config["precision"]]
    for key, value in _changes(config["algo"], config["task"], settings).items():
        options += ["--set", f"{key}={_yaml(value)}"]
    return _quarl("train", *options, "--out", out)


def _changes(algo: str, task: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, other than the steps, in which a training differs from the preset."""
    from quarl.models.tasks.presets import preset
    if "total_steps" not in settings:
        return {}
    usual = preset(algo, task, {"total_steps": settings["total_steps"]})
    return {key: value for key, value in settings.items() if key not in usual or usual[key] != value}


def _bits(bits: dict[str, Any]) -> list[object]:
    options: list[object] = []
    for kind in ("weight", "act", "input"):
        width = bits[kind]
        options += [f"--{kind}-bits", ",".join(map(str, width)) if isinstance(width, list) else width]
    return options + ["--per-channel"] * bits.get("per_channel", False)


def _yaml(value: object) -> str:
    """``value`` on one line, as --set reads it: JSON's 1e-05 is a string in YAML."""
    return yaml.safe_dump([value], default_flow_style=True, width=math.inf).strip()[1:-1]


def _quarl(*words: object) -> str:
    return shlex.join(["quarl", *map(str, words)])


def export(run: Run) -> str:
    """Writes the policy package."""
    return f"quarl export {folder(run)}"


def build(run: Run, target: str = "synth") -> str:
    """Builds the accelerator; the target ``synth`` does all that ``emulate`` does, and the resources."""
    options = ["--target", target]
    if run.accelerator:
        options = ["--board", run.accelerator.board, "--compute", run.accelerator.engine, *options,
                   "--fold", run.accelerator.fold]
        for name, value in run.accelerator.style.items():
            options += ["--" + name.replace("_", "-"), value]
    if run.estimate:
        options += ["--max-lut-percent", format(run.estimate["max_lut_percent"], "g")]
    return f"quarl build {folder(run)} {shlex.join(options)}"


def play(run: Run) -> str:
    """Runs the closed loop."""
    device, episodes = (run.log.summary["device"], run.log.summary["episodes"]) if run.log else ("emulator", 20)
    device = "tcp://HOST:PORT" if device == "remote" else device
    options = ["--device", device, "--episodes", episodes]
    if run.log:
        options += ["--seed", run.log.run["seed"]]
        if run.log.run["task"] != run.policy.task:
            options += ["--task", run.log.run["task"]]
        limit = Description.of("", run.log.run.get("environment")).max_episode_steps
        if limit != Description.of("", run.policy.environment).max_episode_steps:
            options += ["--max-episode-steps", limit]
        usual = {"max_steps": None, "envs": 1, "hz": None, "shadow": 0}
        for name, value in usual.items():
            if run.log.run.get(name, value) != value:
                options += ["--" + name.replace("_", "-"), run.log.run[name]]
    return f"quarl run {folder(run)} {shlex.join(map(str, options))}"


def report(run: Run) -> str:
    """Writes this page."""
    return f"quarl report {folder(run)}"
