"""Observation normalisation that folds exactly into the host's encoding."""
from __future__ import annotations

import numpy as np
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecNormalize
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from models import bits
from models.quantisers import input_scale

CLIP = 10.0       # standard deviations; beyond every quantiser's range (4), so that it never changes a code


class FoldedVecNormalize(VecNormalize):
    """``VecNormalize`` computed as ``(float32(obs) * a + b) * scale``, with ``scale`` the input quantiser's.

    ``scale`` is a power of two, so dividing by it in the quantiser restores ``obs * a + b`` exactly: the codes equal
    ``host.codec.encode`` on every observation, by construction. Rewards are normalised as ``VecNormalize`` does, with
    the discount ``gamma``, where asked.
    """

    def __init__(self, venv: VecEnv, input_bits: int = bits.HIGHEST, norm_reward: bool = False, gamma: float = 0.99):
        super().__init__(venv, norm_reward=norm_reward, clip_obs=CLIP, gamma=gamma)
        self.input_scale = input_scale(input_bits)

    def fold(self) -> tuple[np.ndarray, np.ndarray]:
        """``a`` and ``b``, float32 [n] each: codes are ``clip(rint(obs * a + b))``."""
        step = np.sqrt(self.obs_rms.var + self.epsilon) * self.input_scale
        return (1.0 / step).astype(np.float32), (-self.obs_rms.mean / step).astype(np.float32)

    def normalize_obs(self, obs: np.ndarray) -> np.ndarray:
        """Normalised observations, float32, of raw ones of any float type."""
        return self._normalize_obs(obs, self.obs_rms)

    def step_wait(self) -> VecEnvStepReturn:
        """As ``VecNormalize``'s, without its deep copies and statistics of rewards that are not normalised."""
        obs, rewards, dones, infos = self.venv.step_wait()
        self.old_obs, self.old_reward = obs, rewards
        if self.training:
            self._update(obs)
            if self.norm_reward:
                self._update_reward(rewards)
        ended = np.flatnonzero(dones).tolist()
        if ended:
            obs = np.concatenate([obs, [infos[i]["terminal_observation"] for i in ended]])
        normalised = self.normalize_obs(obs)
        for i, last in zip(ended, normalised[self.num_envs:], strict=True):
            infos[i]["terminal_observation"] = last
        self.returns[dones] = 0
        return normalised[:self.num_envs], self.normalize_reward(rewards), dones, infos

    def _update(self, obs: np.ndarray) -> None:
        """``obs_rms.update(obs)`` to the last bit, with half the numpy calls."""
        mean = np.add.reduce(obs, 0) / len(obs)
        deviations = obs - mean
        deviations *= deviations
        self.obs_rms.update_from_moments(mean, np.add.reduce(deviations, 0) / len(obs), len(obs))

    def _normalize_obs(self, obs: np.ndarray, obs_rms: RunningMeanStd) -> np.ndarray:
        a, b = self.fold()
        with np.errstate(over="ignore"):          # a huge observation saturates
            scaled = np.asarray(obs, np.float32) * a + b
        scaled *= np.float32(self.input_scale)
        return scaled.clip(-CLIP, CLIP, out=scaled)
