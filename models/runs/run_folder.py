"""A run folder's training part: ``config.yaml`` and ``train/``."""
from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import yaml
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import nn

from quarl.host.environments.description import Description
from quarl.host.errors import UserError
from quarl.host.files import PathLike, recover, write_bytes
from quarl.host.policy import ActionSpace
from quarl.models.actors.bits import Bits
from quarl.models.actors.float16 import HalfActor
from quarl.models.process_state import process_state_kept
from quarl.models.runs import checkpoint
from quarl.models.tasks.normalise import FoldedVecNormalize
from quarl.models.tasks.spaces import action_space
from quarl.models.tasks.vec_env import task_actions

CONFIG, RESULT = "config.yaml", "train/result.json"
KEYS = ("task", "algo", "seed", "bits", "settings")


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished training run, loaded: its settings, its result, the best model and the frozen normaliser."""

    folder: Path
    config: dict[str, Any]
    result: dict[str, Any]
    model: BaseAlgorithm
    normaliser: FoldedVecNormalize

    @property
    def environment(self) -> Description:
        """The environment that it was trained in."""
        return environment_of(self.config)

    @property
    def actor(self) -> nn.Sequential:
        """What is deployed, in eval mode: a ``QuantActor``, or fp32 or fp16 layers for a run without bits."""
        deployed: nn.Sequential = self.model.policy.deployed.eval()
        return HalfActor(deployed).eval() if self.is_fp16 else deployed

    @property
    def is_fp16(self) -> bool:
        """Whether post-training quantisation made the actor one of 16-bit floating-point numbers."""
        return bool(self.config.get("ptq", {}).get("format") == "fp16")

    @property
    def action(self) -> ActionSpace:
        """The package's description of the action space."""
        return action_space(task_actions(self.normaliser))


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Write ``config`` as the run's ``config.yaml``."""
    write_bytes(folder / CONFIG, yaml.safe_dump(config, sort_keys=False).encode())


def read_config(folder: PathLike) -> dict[str, Any]:
    """The run's settings. Raises :class:`UserError` where ``folder`` is no run folder."""
    path = Path(folder) / CONFIG
    try:
        config = yaml.safe_load(path.read_text())
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise UserError("a run folder must hold a readable config.yaml", " ".join(str(error).split()),
                        "make one with `quarl train`") from error
    missing = [key for key in KEYS if not isinstance(config, dict) or key not in config]
    if missing:
        raise UserError("config.yaml must have the keys " + ", ".join(KEYS), f"no {missing[0]} in {path}",
                        "make the run again with `quarl train`")
    return config


def read_result(folder: PathLike) -> dict[str, Any] | None:
    """How training ended, or None if it has not. Raises :class:`UserError` where the file is damaged."""
    recover(Path(folder) / "train")
    path = Path(folder) / RESULT
    if not path.exists():
        return None
    with checkpoint.whole(path.parent, path.name):
        result: dict[str, Any] = json.loads(path.read_text())
        return result


def require_same(found: dict[str, Any], asked: dict[str, Any], out: PathLike) -> None:
    """Raise :class:`UserError` where the run folder ``out`` has other settings than those ``asked`` for: it names them.
    """
    ours, theirs = _single(asked), _single(found)
    other = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if other:
        raise UserError("a run folder keeps its settings; " + ", ".join(
            f"{name} must be {theirs.get(name)}" for name in other) + f" in {out}",
            ", ".join(f"{name} {ours.get(name)}" if other[1:] else str(ours.get(name)) for name in other),
            "choose another --out, or delete the folder")


def _single(config: dict[str, Any]) -> dict[str, Any]:
    """The settings one by one; the widths as one, in a word, and the environment as a whole."""
    found = {}
    for key, value in config.items():
        if key == "bits":
            found[key] = str(bits_of(config) or "fp32")
        elif isinstance(value, dict) and key != "environment":
            found |= value
        else:
            found[key] = value
    return found


def environment_of(config: dict[str, Any]) -> Description:
    """The environment of a run's settings. Raises :class:`UserError` for a description that is none."""
    return Description.of(config["task"], config.get("environment"))


def bits_of(config: dict[str, Any]) -> Bits | None:
    """Bit widths from a run's settings; None for fp32."""
    return None if config["bits"] is None else Bits(**config["bits"])


def load_run(folder: PathLike) -> Run:
    """Load a finished run, without its environment; nothing that the folder holds is run as code.

    Raises :class:`UserError` for a folder that is none.
    """
    folder = Path(folder)
    config, result = read_config(folder), read_result(folder)
    if result is None:
        raise UserError("the run must have finished training", f"no {RESULT} in {folder}",
                        "continue it by repeating its `quarl train` command")
    with process_state_kept():          # Stable-Baselines3 seeds all as it makes a model
        model, normaliser = checkpoint.load(folder / "train", config)
    if model.policy.bits != bits_of(config):
        raise UserError(f"train/{checkpoint.MODEL} must hold a policy of config.yaml's bits, "
                        f"{bits_of(config) or 'none: fp32'}", model.policy.bits or "fp32",
                        "delete train/ and train again")
    return Run(folder, config, result, model, normaliser)
