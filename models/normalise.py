"""Observation normalisation that folds exactly into the host's encoding."""
from __future__ import annotations

import numpy as np
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from models import bits
from models.quantisers import input_scale

CLIP = 10.0       # standard deviations; beyond every quantiser's range (4), so that it never changes a code


class FoldedVecNormalize(VecNormalize):
    """``VecNormalize`` computed as ``(float32(obs) * a + b) * scale``, with ``scale`` the input quantiser's.

    ``scale`` is a power of two, so dividing by it in the quantiser restores ``obs * a + b`` exactly: the codes equal
    ``host.codec.encode`` on every observation, by construction. Rewards are not normalised.
    """

    def __init__(self, venv: VecEnv, input_bits: int = bits.HIGHEST, training: bool = True):
        super().__init__(venv, training=training, norm_reward=False, clip_obs=CLIP)
        self.input_scale = input_scale(input_bits)

    def fold(self) -> tuple[np.ndarray, np.ndarray]:
        """``a`` and ``b``, float32 [n] each: codes are ``clip(rint(obs * a + b))``."""
        step = np.sqrt(self.obs_rms.var + self.epsilon) * self.input_scale
        return (1.0 / step).astype(np.float32), (-self.obs_rms.mean / step).astype(np.float32)

    def _normalize_obs(self, obs: np.ndarray, obs_rms: RunningMeanStd) -> np.ndarray:
        """Normalised observations, float32, of raw ones of any float type."""
        a, b = self.fold()
        with np.errstate(over="ignore"):          # a huge observation saturates
            scaled = np.asarray(obs, np.float32) * a + b
        return np.clip(scaled * np.float32(self.input_scale), -CLIP, CLIP)
