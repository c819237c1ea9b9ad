"""The commands that made a run, with the run's own values."""
from __future__ import annotations

import shlex

from build_flows.report.inputs import Run


def folder(run: Run) -> str:
    """The run folder as a reader would name it, wherever it lay when the report was made."""
    return shlex.quote(f"runs/{run.name}")


def train(run: Run) -> str:
    """Trains the same policy."""
    config = run.config
    options = ["--task", config["task"], "--algo", config["algo"]]
    if config.get("bits"):
        for kind in ("weight", "act", "input"):
            options += [f"--{kind}-bits", config["bits"][kind]]
    else:
        options += ["--fp32"]
    options += ["--seed", config["seed"]]
    if "total_steps" in run.settings:
        options += ["--steps", run.settings["total_steps"]]
    return f"quarl train {shlex.join(map(str, options))} --out {folder(run)}"


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
    options = ["--device", device, "--episodes", episodes]
    if run.log:
        options += ["--seed", run.log.run["seed"]]
        if run.log.run["task"] != run.policy.task:
            options += ["--task", run.log.run["task"]]
    return f"quarl run {folder(run)} {shlex.join(map(str, options))}"


def report(run: Run) -> str:
    """Writes this page."""
    return f"quarl report {folder(run)}"
