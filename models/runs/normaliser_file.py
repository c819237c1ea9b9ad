"""A normaliser as ``normaliser.npz``: arrays of numbers, so that loading one runs no code."""
from __future__ import annotations

import io
from typing import Any

import numpy as np
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv

from quarl.models.runs import saved_spaces
from quarl.models.tasks.normalise import FoldedVecNormalize
from quarl.models.tasks.vec_env import task_actions

_NUMBERS = ("clip_obs", "clip_reward", "epsilon", "gamma", "input_scale")
_SWITCHES = ("norm_obs", "norm_reward", "sign_reward", "training")
_MOMENTS = ("mean", "var", "count")


def dump(normaliser: FoldedVecNormalize) -> bytes:
    """Settings and statistics, of observations (but for pixels: ``obs_``) and returns (``ret_``), and the spaces."""
    arrays: dict[str, Any] = saved_spaces.to_arrays(normaliser)
    arrays |= {name: np.array(getattr(normaliser, name), np.float64) for name in _NUMBERS}
    arrays |= {name: np.array(getattr(normaliser, name), bool) for name in _SWITCHES}
    for name, moments in _statistics(normaliser).items():
        arrays |= {f"{name}_{each}": np.array(getattr(moments, each), np.float64) for each in _MOMENTS}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def load(data: bytes, venv: VecEnv | None = None, envs: int = 1) -> FoldedVecNormalize:
    """The normaliser that :func:`dump` wrote, around ``venv``, or around ``envs`` that only have its spaces.

    Raises ``ValueError`` for other spaces than the ones of ``venv``. ``data`` that :func:`dump` did not write can raise
    anything, but runs nothing.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = dict(archive)
    saved = saved_spaces.stand_in(arrays, envs)
    if venv is None:
        venv = saved
    elif (venv.observation_space, task_actions(venv)) != (saved.observation_space, task_actions(saved)):
        raise ValueError(f"observations {saved.observation_space}, actions {task_actions(saved)}, and of the task "
                         f"{venv.observation_space}, {task_actions(venv)}")
    normaliser = FoldedVecNormalize(venv)
    for name in (*_NUMBERS, *_SWITCHES):
        setattr(normaliser, name, arrays[name].item())
    for name, moments in _statistics(normaliser).items():
        for each in _MOMENTS:
            setattr(moments, each, _like(getattr(moments, each), arrays[f"{name}_{each}"]))
    return normaliser


def _statistics(normaliser: FoldedVecNormalize) -> dict[str, RunningMeanStd]:
    return {**({"obs": normaliser.obs_rms} if normaliser.norm_obs else {}), "ret": normaliser.ret_rms}


def _like(known: float | np.ndarray, array: np.ndarray) -> float | np.ndarray:
    """``array`` in the place of ``known``, which has its shape, or is a number."""
    if (array.dtype, array.shape) != (np.float64, np.shape(known)):
        raise ValueError(f"statistics of {array.dtype} {array.shape} for float64 {np.shape(known)}")
    return array if isinstance(known, np.ndarray) else array.item()
