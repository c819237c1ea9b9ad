"""Observation normalisation that folds exactly into the host's encoding."""
from __future__ import annotations

import numpy as np
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecNormalize
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from quarl.host.policy import codec
from quarl.models.actors import bits
from quarl.models.actors.quantisers import input_scale
from quarl.models.tasks.spaces import is_pixels

CLIP = 10.0       # standard deviations; beyond every quantiser's range (4), so that it never changes a code

LARGE = 1e15      # of an observation: its square is far from what float32 holds, and so is a sum of many
PRIOR = 1e-4      # weight of mean 0 and variance 1, from which `RunningMeanStd` starts


class FoldedVecNormalize(VecNormalize):
    """``VecNormalize`` computed as ``(float32(obs) * a + b) * scale``, with ``scale`` the input quantiser's.

    ``scale`` is a power of two, so dividing by it in the quantiser restores ``obs * a + b`` exactly: the codes equal
    ``codec.encode`` on every observation, by construction. Rewards are normalised as ``VecNormalize`` does, with
    the discount ``gamma``, where asked; ``norm_reward`` ``sign`` leaves only their sign, as for Atari games.

    Pixels stay as they are: the policy scales them. Every other observation must be finite in float32, as the host asks
    of it, before it is learned from or normalised: :class:`UserError` otherwise.
    """

    sign_reward = False

    def __init__(self, venv: VecEnv, input_bits: int = bits.HIGHEST, norm_reward: bool | str = False,
                 gamma: float = 0.99):
        super().__init__(venv, norm_obs=not is_pixels(venv.observation_space), norm_reward=norm_reward is True,
                         clip_obs=CLIP, gamma=gamma)
        self.input_scale, self.sign_reward = input_scale(input_bits), norm_reward == "sign"

    def fold(self) -> tuple[np.ndarray, np.ndarray]:
        """``a`` and ``b``, float32 [n] each: codes are ``clip(rint(obs * a + b))``. Empty for pixels."""
        if not self.norm_obs:
            return np.empty(0, np.float32), np.empty(0, np.float32)
        step = np.sqrt(self.obs_rms.var + self.epsilon) * self.input_scale
        return (1.0 / step).astype(np.float32), (-self.obs_rms.mean / step).astype(np.float32)

    def constant_features(self) -> list[int]:
        """The features that were the same in all observations, as far as float32 can tell. None of pixels."""
        if not self.norm_obs:
            return []
        squares = np.square(self.obs_rms.mean)
        start = PRIOR * (1 + squares)                # what the statistics' start alone adds to the deviations' squares
        varied = self.obs_rms.var * self.obs_rms.count - start
        return np.flatnonzero(varied <= 1e-6 * start + 1e-14 * squares * self.obs_rms.count).tolist()

    def normalize_obs(self, obs: np.ndarray) -> np.ndarray:
        """Normalised observations, float32, of raw ones of any float type; pixels as they are."""
        if not self.norm_obs:
            return obs
        _require_finite(obs)
        return self._normalize_obs(obs, self.obs_rms)

    def normalize_reward(self, reward: np.ndarray) -> np.ndarray:
        """Rewards float32, as training sees them."""
        return super().normalize_reward(np.sign(reward) if self.sign_reward else reward)

    def reset(self) -> np.ndarray:
        """As ``VecNormalize``'s."""
        obs = self.venv.reset()
        self.old_obs, self.returns = obs, np.zeros(self.num_envs)
        if not self.norm_obs:
            return obs
        _require_finite(obs)
        if self.training:
            self._update(obs)
        return self._normalize_obs(obs, self.obs_rms)

    def step_wait(self) -> VecEnvStepReturn:
        """As ``VecNormalize``'s, without its deep copies and statistics of rewards that are not normalised."""
        obs, rewards, dones, infos = self.venv.step_wait()
        self.old_obs, self.old_reward = obs, rewards
        ended = np.flatnonzero(dones).tolist()
        if ended:
            obs = np.concatenate([obs, [infos[i]["terminal_observation"] for i in ended]])
        if self.norm_obs:
            _require_finite(obs)
        if self.training:
            if self.norm_obs:
                self._update(self.old_obs)
            if self.norm_reward:
                self._update_reward(rewards)
        normalised = self._normalize_obs(obs, self.obs_rms) if self.norm_obs else obs
        for i, last in zip(ended, normalised[self.num_envs:], strict=True):
            infos[i]["terminal_observation"] = last
        self.returns[dones] = 0
        return normalised[:self.num_envs], self.normalize_reward(rewards), dones, infos

    def _update(self, obs: np.ndarray) -> None:
        """``obs_rms.update(obs)`` to the last bit, with half the numpy calls.

        Observations whose squares might be infinite in float32, which would lose the feature, are taken in float64.
        """
        if np.abs(obs).max() > LARGE:
            obs = obs.astype(np.float64)
        mean = np.add.reduce(obs, 0) / len(obs)
        deviations = obs - mean
        deviations *= deviations
        self.obs_rms.update_from_moments(mean, np.add.reduce(deviations, 0) / len(obs), len(obs))

    def _normalize_obs(self, obs: np.ndarray, obs_rms: RunningMeanStd) -> np.ndarray:
        a, b = self.fold()
        with np.errstate(over="ignore"):          # a huge observation saturates
            scaled = np.asarray(obs, np.float32) * a
            scaled += b
        scaled *= np.float32(self.input_scale)
        np.maximum(scaled, -CLIP, out=scaled)     # `clip` takes as long as all that is above
        return np.minimum(scaled, CLIP, out=scaled)


def _require_finite(obs: np.ndarray) -> None:
    with np.errstate(over="ignore"):              # a float64 beyond float32 becomes inf
        codec.require_finite(np.asarray(obs, np.float32))
