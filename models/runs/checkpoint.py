"""What a training must keep to go on as if it had not been interrupted, bit for bit.

The state of an environment cannot be saved in general, nor need it be: at each checkpoint, training starts its episodes
afresh and draws its random numbers from the number of steps, whether it was interrupted there or not.
"""
from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.vec_env import VecEnv

from quarl.host.errors import UserError
from quarl.host.files import staged_folder, write_bytes, write_json
from quarl.models.runs import model_file, normaliser_file
from quarl.models.tasks.normalise import FoldedVecNormalize

MODEL, NORMALISER, REPLAY, HISTORY = "model.zip", "normaliser.npz", "replay.npz", "history.json"
_PICKLED = "vecnormalize.pkl"         # the normaliser in a folder of a version before
_FIX = "delete train/ and train again"
_COLUMNS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


@dataclasses.dataclass
class Snapshot:
    """A model and the normaliser of the same moment, as the bytes of their files."""

    model: bytes
    normaliser: bytes

    @classmethod
    def take(cls, model: BaseAlgorithm, normaliser: FoldedVecNormalize) -> Snapshot:
        """Of a live model."""
        return cls(model_file.dump(model), normaliser_file.dump(normaliser))

    @classmethod
    def read(cls, folder: Path) -> Snapshot:
        """From a folder that :meth:`write` filled. Raises ``OSError``."""
        return cls((folder / MODEL).read_bytes(), (folder / NORMALISER).read_bytes())

    def write(self, folder: Path) -> None:
        """Each file is whole or absent."""
        write_bytes(folder / MODEL, self.model)
        write_bytes(folder / NORMALISER, self.normaliser)


@dataclasses.dataclass
class History:
    """Evaluations so far, the best snapshot, and the seconds spent."""

    evaluations: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    best: Snapshot | None = None
    best_evaluation: dict[str, Any] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def read(cls, checkpoint: Path) -> History:
        """From a checkpoint folder. One that is damaged can raise anything."""
        state = json.loads((checkpoint / HISTORY).read_text())
        best = checkpoint / "best"
        return cls(best=Snapshot.read(best) if best.exists() else None, **state)

    def add(self, evaluation: dict[str, Any], latest: Snapshot | None) -> None:
        """Record an evaluation; ``latest`` is what it is of, None where that is not to be deployed."""
        self.evaluations.append(evaluation)
        if latest is not None and evaluation["mean_return"] >= self.best_evaluation.get("mean_return", -np.inf):
            self.best, self.best_evaluation = latest, evaluation


def save(folder: Path, model: BaseAlgorithm, normaliser: FoldedVecNormalize, history: History) -> None:
    """Write a checkpoint that appears whole."""
    with staged_folder(folder) as stage:
        Snapshot.take(model, normaliser).write(stage)
        if history.best is not None:
            history.best.write(stage / "best")
        write_json(stage / HISTORY, {"evaluations": history.evaluations, "seconds": history.seconds,
                                     "best_evaluation": history.best_evaluation})
        buffer = getattr(model, "replay_buffer", None)
        if buffer is not None:
            _save_replay(stage / REPLAY, buffer)


def load(folder: Path, config: Mapping[str, Any], venv: VecEnv | None = None,
         device: str = "cpu") -> tuple[BaseAlgorithm, FoldedVecNormalize]:
    """The model and the normaliser of a :class:`Snapshot` in ``folder``, of a run with the settings ``config``.

    They are in the environments ``venv``, or in none that can be played. Nothing that the files hold is run. Raises
    :class:`UserError` for files that are damaged, or of another ``config``.
    """
    if (folder / _PICKLED).exists() and not (folder / NORMALISER).exists():
        raise UserError(f"{folder.name}/ must hold its normaliser as numbers, {NORMALISER}",
                        f"{_PICKLED} of an earlier version, which could run code, in {folder}",
                        f"{_FIX}; an exported policy/ needs neither and goes on working")
    with whole(folder, MODEL, NORMALISER):
        saved = Snapshot.read(folder)
        normaliser = normaliser_file.load(saved.normaliser, venv, config["settings"]["n_envs"])
        return model_file.load(saved.model, config, normaliser, device), normaliser


def resume(folder: Path, config: Mapping[str, Any], venv: VecEnv, device: str) -> tuple[BaseAlgorithm, History]:
    """The model in the environments ``venv``, and the history, of a checkpoint. Raises :class:`UserError`."""
    model, _ = load(folder, config, venv, device)
    with whole(folder, REPLAY):
        _restore_replay(folder, model)
    with whole(folder, HISTORY):
        history = History.read(folder)
    seed_afresh(model, config["seed"])
    return model, history


@contextlib.contextmanager
def whole(folder: Path, *names: str) -> Iterator[None]:
    """Blame what goes wrong inside on the files ``names``, with a :class:`UserError`: damaged, they can raise anything.
    """
    try:
        yield
    except Exception as error:
        raise UserError(f"{folder.name}/ must hold a whole {' and '.join(names)}"
                        + (", as config.yaml has it" if MODEL in names else ""),
                        f"{type(error).__name__}: {' '.join(str(error).split())}"[:300], _FIX) from error


def _restore_replay(folder: Path, model: BaseAlgorithm) -> None:
    """Fill the replay buffer of a loaded ``model``, if it has one."""
    buffer = getattr(model, "replay_buffer", None)
    if buffer is None:
        return
    with np.load(folder / REPLAY, allow_pickle=False) as saved:
        for name in _COLUMNS:
            getattr(buffer, name)[:len(saved[name])] = saved[name]
        buffer.pos, buffer.full = int(saved["pos"]), bool(saved["full"])


def _save_replay(path: Path, buffer: ReplayBuffer) -> None:
    filled = buffer.buffer_size if buffer.full else buffer.pos
    with path.open("wb") as file:
        np.savez(file, pos=buffer.pos, full=buffer.full, **{name: getattr(buffer, name)[:filled] for name in _COLUMNS})


def seed_afresh(model: BaseAlgorithm, seed: int) -> None:
    """Seed all that draws random numbers in training, as a function of ``seed`` and the steps that were taken."""
    model.set_random_seed(int(np.random.SeedSequence([seed, model.num_timesteps]).generate_state(1)[0] >> 1))


def begin_episodes(model: BaseAlgorithm) -> None:
    """Reset the environments of a model that is being trained, as the start of training does."""
    environment: Any = model.env
    model._last_obs = environment.reset()
    model._last_episode_starts = np.ones(environment.num_envs, bool)
    if model._vec_normalize_env is not None:
        model._last_original_obs = model._vec_normalize_env.get_original_obs()
