"""Environments stepped together, at little more than their own cost."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from quarl.models.tasks.rewards import finite


class _Discrete(spaces.Discrete):
    """``Discrete`` that checks an action quickly: environments check each, at half the cost of CartPole's step."""

    def contains(self, x: Any) -> bool:
        return bool(self.start <= x < self.start + self.n) if type(x) is np.int64 else super().contains(x)


class MonitoredVecEnv(DummyVecEnv):
    """What ``DummyVecEnv`` of ``Monitor`` s returns, for one-dimensional observations, without its deep copies.

    Arrays and infos are new at every step. The info of an episode's last step holds ``terminal_observation`` and
    ``episode``: its return ``r``, length ``l`` and time ``t`` since the start, as Monitor's does.

    Stable-Baselines3 counts discrete actions from 0, whatever ``start`` a task's space has: so does ``action_space``
    here, and each action is moved on its way to the task. :func:`task_actions` is the task's own space.
    """

    def __init__(self, make: list[Callable[[], gym.Env[Any, Any]]]):
        super().__init__([lambda fn=fn: _bare(fn()) for fn in make])
        for env in self.envs:
            space = env.unwrapped.action_space
            if type(space) is spaces.Discrete:
                env.unwrapped.action_space = _Discrete(space.n, start=space.start)
        theirs = task_actions(self)
        self._start = int(theirs.start) if isinstance(theirs, spaces.Discrete) else 0
        self.action_space = counted_from_0(theirs)
        self._observed = self.observation_space.dtype
        self._started = time.time()
        self._returns, self._lengths = [0.0] * self.num_envs, [0] * self.num_envs

    def reset(self) -> np.ndarray:
        """First observations [N, n] of new episodes."""
        self._returns, self._lengths = [0.0] * self.num_envs, [0] * self.num_envs
        with np.errstate(over="ignore"):
            return super().reset()

    def step_async(self, actions: np.ndarray) -> None:
        """Take ``actions``, one a row; discrete ones from 0 to n - 1."""
        super().step_async(actions + self._start if self._start else actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Observations [N, n], rewards float32 [N], dones bool [N] and infos.

        Raises :class:`UserError` for a reward that is not finite; whoever learns from the observations checks those.
        """
        observations: list[np.ndarray] = []
        rewards: list[float] = []
        infos: list[dict[str, Any]] = []
        dones = np.zeros(self.num_envs, bool)
        for i, (env, action) in enumerate(zip(self.envs, self.actions, strict=True)):
            observation, reward, terminated, truncated, info = env.step(action)
            info = {**info, "TimeLimit.truncated": truncated and not terminated}
            reward = finite(reward, self._lengths[i])
            self._returns[i] += reward
            self._lengths[i] += 1
            if terminated or truncated:
                info["episode"] = self._end_episode(i)
                info["terminal_observation"] = np.array(observation)
                observation, self.reset_infos[i] = env.reset()
                dones[i] = True
            observations.append(observation)
            rewards.append(reward)
            infos.append(info)
        # One copy of all, at once: environments may use the array of an observation again.
        with np.errstate(over="ignore"):          # a float64 beyond float32 becomes inf
            observed = np.array(observations, self._observed)
        return observed, np.array(rewards, np.float32), dones, infos

    def _end_episode(self, i: int) -> dict[str, float]:
        episode = {"r": round(self._returns[i], 6), "l": self._lengths[i], "t": round(time.time() - self._started, 6)}
        self._returns[i], self._lengths[i] = 0.0, 0
        return episode


def counted_from_0(space: spaces.Space[Any]) -> spaces.Space[Any]:
    """The action space ``space`` as Stable-Baselines3 acts in it."""
    return spaces.Discrete(int(space.n)) if isinstance(space, spaces.Discrete) and space.start != 0 else space


def task_actions(venv: VecEnv) -> spaces.Space[Any]:
    """The action space of the task that ``venv`` plays, with its own ``start``."""
    space: spaces.Space[Any] = venv.get_attr("action_space", 0)[0]
    return space


def _bare(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    """``env`` without the wrappers that only check how it is used."""
    if isinstance(env, (OrderEnforcing, PassiveEnvChecker)):
        return _bare(env.env)
    if isinstance(env, gym.Wrapper):
        env.env = _bare(env.env)
    return env
