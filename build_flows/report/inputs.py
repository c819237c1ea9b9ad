"""What a run folder holds, read for the report."""
from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from quarl.build_flows.building import artefacts
from quarl.host import policy
from quarl.host.accelerator import description as accelerator
from quarl.host.errors import UserError
from quarl.host.files import PathLike
from quarl.host.log import run_log

REPORTS = ("parity", "estimate", "synth", "timing", "netlist", artefacts.FMAX, artefacts.ENERGY,
           artefacts.BITSTREAM)


@dataclasses.dataclass(frozen=True)
class Log:
    """One closed-loop run in the log ``path``: its opening record, a record for each of its episodes, its summary."""

    path: Path
    run: dict[str, Any]
    episodes: list[dict[str, Any]]
    summary: dict[str, Any]

    @property
    def accelerator(self) -> str | None:
        """The hash of the accelerator's description, None of the processor and of a log of an earlier version."""
        found: str | None = self.run.get("accelerator")
        return found

    @property
    def returns(self) -> np.ndarray:
        """Undiscounted returns float64 [episodes], by the episodes' numbers."""
        return np.array([each["return"] for each in sorted(self.episodes, key=lambda each: each["episode"])], float)

    def __repr__(self) -> str:
        return "Log({!r}: {episodes} episodes, {steps} steps, return {return_mean:.1f} ± {return_std:.1f})".format(
            str(self.path), **self.summary)


@dataclasses.dataclass(frozen=True)
class Run:
    """A run folder. What no command has made yet is None, or empty."""

    folder: Path
    config: dict[str, Any]
    policy: policy.Policy
    evaluations: list[dict[str, Any]]
    progress: list[dict[str, str]]
    analysis: dict[str, Any] | None
    accelerator: accelerator.Accelerator | None
    parity: dict[str, Any] | None
    estimate: dict[str, Any] | None
    synth: dict[str, Any] | None
    timing: dict[str, Any] | None
    netlist: dict[str, Any] | None
    fmax: dict[str, Any] | None
    energy: dict[str, Any] | None
    bitstream: dict[str, Any] | None
    log: Log | None
    others: tuple[Log, ...] = ()         # newer logs, of another policy or accelerator than what is here

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}: {self.policy.task})"

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def build_key(self) -> str:
        """What the accelerator was built from, as a hash. Raises :class:`UserError` where there is none."""
        return artefacts.built_key(self.folder / "accel")

    @property
    def settings(self) -> dict[str, Any]:
        """What training was told."""
        return self.config.get("settings") or {}

    @property
    def files(self) -> list[Path]:
        """The files that the report was made from, those that exist."""
        folder = self.folder
        known = [folder / "config.yaml", folder / "policy/manifest.json", folder / "policy/weights.npz",
                 folder / "policy/policy.onnx", folder / "train/evaluations.json", folder / "train/progress.csv",
                 folder / "train/analysis.json", folder / "accel/accel.json",
                 *(_report(folder, name) for name in REPORTS)]
        return [path for path in (*known, *(run_log.parts(self.log.path) if self.log else [])) if path.exists()]


def read_run(folder: PathLike) -> Run:
    """Read what the run ``folder`` holds; it must have a policy package.

    Raises :class:`UserError` where it is no run, or a file in it is not what it should be.
    """
    folder = Path(folder)
    config = _config(folder)
    accel, played = folder / "accel", policy.read(folder / "policy")
    built = accelerator.read(accel) if (accel / "accel.json").exists() else None
    log, others = _newest_log(folder / "run", played, built)
    return Run(
        folder, config, played, _json(folder / "train/evaluations.json") or [],
        _table(folder / "train/progress.csv"), _json(folder / "train/analysis.json"),
        built, **{name: _json(_report(folder, name)) for name in REPORTS}, log=log, others=others)


def _report(folder: Path, name: str) -> Path:
    return folder / "accel/reports" / f"{name}.json"


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.yaml"
    try:
        config = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError("a run folder must hold a readable config.yaml", f"{reason} at {path}",
                        "pass a folder that `quarl train` made") from error
    if not isinstance(config, dict) or "task" not in config:
        raise UserError("config.yaml must name the task", path, "make the run again with `quarl train`")
    return config


def _json(path: Path) -> Any:
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path.name} must be readable JSON", f"{error} in {path}",
                        "delete it and repeat the command that makes it") from error


def _table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []


def read_log(path: Path) -> Log:
    """The log of a run that was played to its end, ``path`` its first part. Raises :class:`UserError`."""
    kept = _records(path)
    return Log(path, kept["run"][0], kept["episode"], kept["summary"][0])


def _records(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The records of a log by their type, without the steps."""
    kept: dict[str, list[dict[str, Any]]] = {"run": [], "episode": [], "summary": []}
    try:
        for record in run_log.records(path):
            kept.get(record["type"], []).append(record)
    except (ValueError, TypeError, KeyError) as error:
        raise UserError("a run log must be JSON lines, each with a type", f"{error} in {path}",
                        "delete the file and repeat `quarl run`") from error
    return kept


def _newest_log(folder: Path, played: policy.Policy,
                built: accelerator.Accelerator | None) -> tuple[Log | None, tuple[Log, ...]]:
    """The newest whole log of what is here, and the newer ones that are of another policy or accelerator.

    One that an interrupted run left has no summary, one of the processor no accelerator.
    """
    others: list[Log] = []
    def age(path: Path) -> tuple[int, str]:
        return run_log.parts(path)[-1].stat().st_mtime_ns, path.name

    for path in sorted(folder.glob("*.jsonl"), key=age, reverse=True):
        kept = _records(path)
        if kept["run"] and kept["summary"]:
            log = Log(path, kept["run"][0], kept["episode"], kept["summary"][0])
            if log.run["policy"] == played.hash and (log.accelerator is None or built is None
                                                     or log.accelerator == built.hash):
                return log, tuple(others)
            others.append(log)
    return None, tuple(others)
