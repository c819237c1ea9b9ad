"""The algorithms: Stable-Baselines3's, with quantised policies, mixed precision and fast rollouts."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import VecEnv

from quarl.host.errors import UserError
from quarl.models.actors.bits import Bits
from quarl.models.actors.convolutional import check_bits
from quarl.models.sb3.integer_rollouts import IntegerRollouts
from quarl.models.sb3.mixed_precision import MixedPrecision
from quarl.models.sb3.pixel_policies import PixelActorCriticPolicy, PixelDQNPolicy, PixelFeatures, policy_arguments
from quarl.models.sb3.policies import QuantActorCriticPolicy, QuantDQNPolicy, QuantSACPolicy, QuantTD3Policy
from quarl.models.tasks.presets import schedule
from quarl.models.tasks.spaces import is_pixels


class QuantPPO(MixedPrecision, IntegerRollouts, PPO):
    """PPO."""


class QuantA2C(MixedPrecision, IntegerRollouts, A2C):
    """A2C."""


class QuantDQN(MixedPrecision, DQN):
    """DQN."""


class QuantDDPG(MixedPrecision, DDPG):
    """DDPG."""


class QuantTD3(MixedPrecision, TD3):
    """TD3."""


class QuantSAC(MixedPrecision, SAC):
    """SAC."""


class Algorithm(NamedTuple):
    """A model class, its policy class, the kinds of action spaces that it can act in, and its policy of pixels."""

    model: type[BaseAlgorithm]
    policy: type[Any]
    actions: tuple[str, ...]
    pixel_policy: type[Any] | None = None


_ANY, _DISCRETE, _BOX = ("Discrete", "Box"), ("Discrete",), ("Box",)
ALGORITHMS = {
    "ppo": Algorithm(QuantPPO, QuantActorCriticPolicy, _ANY, PixelActorCriticPolicy),
    "a2c": Algorithm(QuantA2C, QuantActorCriticPolicy, _ANY, PixelActorCriticPolicy),
    "dqn": Algorithm(QuantDQN, QuantDQNPolicy, _DISCRETE, PixelDQNPolicy),
    "ddpg": Algorithm(QuantDDPG, QuantTD3Policy, _BOX), "td3": Algorithm(QuantTD3, QuantTD3Policy, _BOX),
    "sac": Algorithm(QuantSAC, QuantSACPolicy, _BOX)}

# Settings that are not arguments of a model's constructor.
_OURS = {"net_arch", "ortho_init", "n_envs", "norm_reward", "norm_steps", "total_steps", "eval_episodes",
         "eval_every", "checkpoint_every", "target_return", "noise"}


def check_actions(algo: str, task: str, space: spaces.Space) -> None:
    """Raise :class:`UserError` where ``algo`` cannot act in ``space``."""
    kind = type(space).__name__
    if kind not in ALGORITHMS[algo].actions:
        able = ", ".join(name for name, each in ALGORITHMS.items() if kind in each.actions)
        raise UserError(f"{algo} needs {' or '.join(ALGORITHMS[algo].actions)} actions", f"{space} in {task}",
                        f"train with --algo {able.replace(', ', ' or ')}" if able else "choose another --task")


def check_pixels(algo: str, task: str, space: spaces.Space, bits: Bits | None, net_arch: Any) -> None:
    """Raise :class:`UserError` where ``algo``, ``bits`` or ``net_arch`` do not suit the pixels that ``task`` has, or
    where ``net_arch`` is of pixels and ``task`` has none."""
    if not is_pixels(space):
        if isinstance(net_arch, Mapping) and {"conv", "dense"} & set(net_arch):
            raise UserError("a net_arch with convolutions needs observations that are pixels", f"{space} in {task}",
                            "write for example --set net_arch=[64,64]")
        return
    if ALGORITHMS[algo].pixel_policy is None:
        able = " or ".join(name for name, each in ALGORITHMS.items() if each.pixel_policy is not None)
        raise UserError(f"{algo} needs observations that are a vector", f"{space} in {task}", f"use {able} for pixels")
    if bits is not None:
        check_bits(bits)
    PixelFeatures(space, **policy_arguments(net_arch)["features_extractor_kwargs"])


def create(algo: str, settings: Mapping[str, Any], venv: VecEnv, bits: Bits | None, seed: int,
           device: str = "cpu", precision: str = "fp32") -> BaseAlgorithm:
    """A new model of ``algo`` with the ``settings`` of a preset, in ``venv``."""
    arguments = {key: value for key, value in settings.items() if key not in _OURS}
    for key in ("learning_rate", "clip_range"):
        if key in arguments:
            arguments[key] = schedule(arguments[key])
    if settings.get("noise"):
        size = venv.action_space.shape
        arguments["action_noise"] = NormalActionNoise(np.zeros(size), np.full(size, settings["noise"]))
    adam: dict[str, Any] = {"fused": True}                      # one kernel for all parameters
    if algo in ("ppo", "a2c"):
        adam["eps"] = 1e-5                                      # Stable-Baselines3's
    chosen, pixels, net_arch = ALGORITHMS[algo], is_pixels(venv.observation_space), settings["net_arch"]
    network = policy_arguments(net_arch) if pixels else {"net_arch": net_arch}
    if "ortho_init" in settings:
        network["ortho_init"] = settings["ortho_init"]
    model = chosen.model(chosen.pixel_policy if pixels else chosen.policy, venv, seed=seed, device=device,
                         policy_kwargs={"bits": bits, **network, "optimizer_kwargs": adam}, **arguments)
    model.precision = precision
    return model
