"""A run folder's training part: ``config.yaml`` and ``train/``."""
from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import yaml
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import nn

from host.errors import UserError
from host.files import PathLike, write_bytes
from host.policy import ActionSpace
from models.bits import Bits
from models.normalise import FoldedVecNormalize
from models.tasks import action_space

ALGORITHMS: dict[str, type[BaseAlgorithm]] = {"ppo": PPO}
CONFIG, RESULT = "config.yaml", "train/result.json"
KEYS = ("task", "algo", "seed", "bits", "settings")
MODEL, NORMALISER = "model.zip", "vecnormalize.pkl"


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished training run, loaded: its settings, its result, the best model and the frozen normaliser."""

    folder: Path
    config: dict[str, Any]
    result: dict[str, Any]
    model: BaseAlgorithm
    normaliser: FoldedVecNormalize

    @property
    def actor(self) -> nn.Sequential:
        """What is deployed, in eval mode: a ``QuantActor``, or fp32 layers for a run without bits."""
        return self.model.policy.actor.eval()

    @property
    def action(self) -> ActionSpace:
        """The package's description of the action space."""
        return action_space(self.model.action_space)


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Write ``config`` as the run's ``config.yaml``."""
    write_bytes(folder / CONFIG, yaml.safe_dump(config, sort_keys=False).encode())


def read_config(folder: PathLike) -> dict[str, Any]:
    """The run's settings. Raises :class:`UserError` where ``folder`` is no run folder."""
    path = Path(folder) / CONFIG
    try:
        config = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise UserError("a run folder must hold a readable config.yaml", " ".join(str(error).split()),
                        "make one with `quarl train`") from error
    missing = [key for key in KEYS if not isinstance(config, dict) or key not in config]
    if missing:
        raise UserError("config.yaml must have the keys " + ", ".join(KEYS), f"no {missing[0]} in {path}",
                        "make the run again with `quarl train`")
    return config


def read_result(folder: PathLike) -> dict[str, Any] | None:
    """How training ended, or None if it has not."""
    path = Path(folder) / RESULT
    return json.loads(path.read_text()) if path.exists() else None


def bits_of(config: dict[str, Any]) -> Bits | None:
    """Bit widths from a run's settings; None for fp32."""
    return None if config["bits"] is None else Bits(**config["bits"])


def load_run(folder: PathLike) -> Run:
    """Load a finished run. Raises :class:`UserError` for a folder that is none."""
    folder = Path(folder)
    config, result = read_config(folder), read_result(folder)
    if result is None:
        raise UserError("the run must have finished training", f"no {RESULT} in {folder}",
                        "continue it by repeating its `quarl train` command")
    try:
        model = ALGORITHMS[config["algo"]].load(folder / "train" / MODEL, device="cpu")
        normaliser = pickle.loads((folder / "train" / NORMALISER).read_bytes())
    except Exception as error:          # a damaged archive or pickle can raise anything
        raise UserError(f"train/ must hold a whole {MODEL} and {NORMALISER}", f"{type(error).__name__}: {error}",
                        "delete train/ and train again") from error
    return Run(folder, config, result, model, normaliser)
