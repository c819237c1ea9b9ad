"""Rollouts of PPO and A2C by the deployed actor in numpy.

The idea is ActorQ's (Krishnan et al., "QuaRL: Quantization for Fast and Environmentally Sustainable Reinforcement
Learning", 2022): actors need only the quantised policy, which is copied to them before every rollout, and the learner
does the rest. Here the copy is integer arithmetic that equals the hardware's, so training sees what is deployed.
"""
from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from quarl.models.actors.numpy_actor import numpy_actor
from quarl.models.tasks.spaces import is_pixels


class IntegerRollouts(OnPolicyAlgorithm):
    """Rollouts in numpy, for an algorithm whose policy has ``deployed``; an fp32 policy is copied as it is.

    Actions are drawn with ``rollout_rng``, which :meth:`set_random_seed` seeds with all others. Values and
    log-probabilities are computed for the whole rollout at its end: callbacks do not find them among the local
    variables.
    """

    rollout_rng: np.random.Generator
    _last_obs: Any
    _last_episode_starts: Any

    def set_random_seed(self, seed: int | None = None) -> None:
        """As Stable-Baselines3's; ``rollout_rng`` gets other numbers than the environments, which have ``seed`` too."""
        super().set_random_seed(seed)
        self.rollout_rng = np.random.default_rng(None if seed is None else [seed, *b"rollouts"])

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "rollout_rng"]

    def collect_rollouts(self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer,
                         n_rollout_steps: int) -> bool:
        """Fill ``rollout_buffer`` as Stable-Baselines3 does. False if a callback ended training.

        On pixels it is Stable-Baselines3 that does it, in torch: convolutions are no faster in numpy.
        """
        if is_pixels(self.observation_space):
            return super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps)
        self.policy.set_training_mode(False)
        rollout_buffer.reset()
        callback.on_rollout_start()
        actor, noise = numpy_actor(self.policy.deployed), self._noise(n_rollout_steps, env.num_envs)
        outputs = np.empty(noise.shape, np.float32)
        time_limits: list[tuple[int, int, np.ndarray]] = []
        for step in range(n_rollout_steps):
            outputs[step] = actor(self._last_obs)
            actions, performed = self._sample(outputs[step], noise[step])
            new_obs, rewards, dones, infos = env.step(performed)
            self.num_timesteps += env.num_envs
            callback.update_locals(locals())
            if not callback.on_step():
                return False
            if dones.any():
                self._update_info_buffer(infos, dones)
                time_limits += [(step, i, infos[i]["terminal_observation"]) for i in np.flatnonzero(dones).tolist()
                                if infos[i].get("TimeLimit.truncated")]
            rollout_buffer.observations[step] = self._last_obs
            rollout_buffer.actions[step] = actions.reshape(env.num_envs, -1)
            rollout_buffer.rewards[step] = rewards
            rollout_buffer.episode_starts[step] = self._last_episode_starts
            self._last_obs, self._last_episode_starts = new_obs, dones
        self._evaluate(rollout_buffer, outputs, time_limits)
        callback.update_locals(locals())
        callback.on_rollout_end()
        return True

    def _noise(self, steps: int, envs: int) -> np.ndarray:
        """What makes a rollout's actions random: [steps, envs, outputs]."""
        if isinstance(self.action_space, spaces.Discrete):
            return self.rollout_rng.gumbel(size=(steps, envs, int(self.action_space.n)))
        noise = self.rollout_rng.standard_normal((steps, envs, *self.action_space.shape), np.float32)
        return noise * self.policy.log_std.detach().exp().cpu().numpy()

    def _sample(self, outputs: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Actions as they are stored, and as they are performed: the ones of a Box are clipped."""
        if isinstance(self.action_space, spaces.Box):
            actions = outputs + noise
            return actions, np.clip(actions, self.action_space.low, self.action_space.high)
        actions = (outputs + noise).argmax(axis=1)         # distributed as the softmax of the outputs
        return actions, actions

    @torch.no_grad()
    def _evaluate(self, buffer: RolloutBuffer, outputs: np.ndarray,
                  time_limits: list[tuple[int, int, np.ndarray]]) -> None:
        """Add values, log-probabilities, the values that stand for what a time limit cut off, and the advantages."""
        seen = buffer.observations.reshape(-1, *buffer.obs_shape)
        ends = [observation[None] for _, _, observation in time_limits]
        observations = torch.from_numpy(np.concatenate([seen, self._last_obs, *ends], dtype=np.float32))
        values = self.policy.predict_values(observations.to(self.device)).flatten().cpu()
        now, last, cut_off = values.split([len(seen), buffer.n_envs, len(ends)])
        for (step, i, _), value in zip(time_limits, cut_off.numpy(), strict=True):
            buffer.rewards[step, i] += self.gamma * value
        buffer.values[:] = now.numpy().reshape(buffer.values.shape)
        buffer.log_probs[:] = self._log_probs(buffer.actions, outputs)
        buffer.pos, buffer.full = buffer.buffer_size, True
        buffer.compute_returns_and_advantage(last_values=last, dones=self._last_episode_starts)

    def _log_probs(self, actions: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Float32 [steps, envs], of ``actions`` [steps, envs, size] by an actor with ``outputs`` [steps, envs, out]."""
        if isinstance(self.action_space, spaces.Discrete):
            shifted = outputs - outputs.max(axis=2, keepdims=True)
            chosen = np.take_along_axis(shifted, actions, axis=2)[..., 0]
            return chosen - np.log(np.exp(shifted).sum(axis=2))
        log_std = self.policy.log_std.detach().cpu().numpy()
        z = (actions - outputs) / np.exp(log_std)
        return (-0.5 * z * z - log_std - np.float32(0.5 * np.log(2 * np.pi))).sum(axis=2)
