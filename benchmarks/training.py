"""Training speed against Stable-Baselines3 in fp32 and plain Brevitas: CPU time, one torch thread, in turns.

The same networks, hyperparameters and tasks on each side, W4A4. "Plain Brevitas" trains the same policies through
Brevitas' own forwards, in Stable-Baselines3's rollouts and environments. Every ratio is the median over repeats.
"""
from __future__ import annotations

import contextlib
import functools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

import gymnasium as gym
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize
from torch import nn

from benchmarks.chain import _row
from quarl.models.actors.bits import Bits
from quarl.models.actors.quantised import QuantActor
from quarl.models.sb3 import algorithms
from quarl.models.sb3.integer_rollouts import IntegerRollouts
from quarl.models.tasks.normalise import FoldedVecNormalize
from quarl.models.tasks.presets import preset, schedule
from quarl.models.tasks.spaces import make_env
from quarl.models.tasks.vec_env import MonitoredVecEnv

_BITS = Bits(4, 4)
_REPEATS = 7


def rollouts() -> Iterator[dict[str, Any]]:
    """Steps a CPU-second of CartPole rollouts alone."""
    torch.set_num_threads(1)
    settings = _settings("ppo", "CartPole-v1")
    models = {"integer": _ours("ppo", "CartPole-v1", settings, _BITS), "fp32": _ours("ppo", "CartPole-v1", settings),
              "sb3": _stable_baselines3("CartPole-v1", settings)}
    for model in models.values():
        model._setup_learn(10 ** 9)
    rates = _rates({name: functools.partial(_collect, model) for name, model in models.items()})
    for name, target in (("integer", 3.0), ("fp32", None)):
        yield _ratio(f"models.{name}_rollouts_vs_sb3", rates, name, "sb3", "rollout steps per CPU-second", target)


def ppo() -> Iterator[dict[str, Any]]:
    """PPO's training steps a CPU-second, rollouts and updates together."""
    torch.set_num_threads(1)
    for task, name, steps in (("CartPole-v1", "cartpole", 1024), ("Hopper-v5", "hopper", 2048)):
        settings = _settings("ppo", task)
        rates = _rates({"ours": _learn(_ours("ppo", task, settings, _BITS), steps),
                        "brevitas": _plainly(_learn(_plain("ppo", task, settings), steps)),
                        "sb3": _learn(_stable_baselines3(task, settings), steps)})
        yield _ratio(f"models.ppo_{name}_vs_sb3", rates, "ours", "sb3", "training steps per CPU-second", 1.0)
        yield _ratio(f"models.ppo_{name}_vs_brevitas", rates, "ours", "brevitas", "training steps per CPU-second")


def off_policy() -> Iterator[dict[str, Any]]:
    """DDPG's, TD3's and SAC's training steps a CPU-second on Pendulum."""
    torch.set_num_threads(1)
    for algo in ("ddpg", "td3", "sac"):
        settings = {**_settings(algo, "Pendulum-v1"), "learning_starts": 200}
        rates = _rates({"ours": _learn(_ours(algo, "Pendulum-v1", settings, _BITS), 200),
                        "brevitas": _plainly(_learn(_plain(algo, "Pendulum-v1", settings), 200))})
        yield _ratio(f"models.{algo}_pendulum_vs_brevitas", rates, "ours", "brevitas",
                     "training steps per CPU-second", 2.0)


def _settings(algo: str, task: str) -> dict[str, Any]:
    return preset(algo, task, {})


def _ours(algo: str, task: str, settings: Mapping[str, Any], bits: Bits | None = None) -> BaseAlgorithm:
    venv = MonitoredVecEnv([lambda: make_env(task)] * settings["n_envs"])
    return _quiet(algorithms.create(algo, settings, _folded(venv, settings), bits, 0))


def _plain(algo: str, task: str, settings: Mapping[str, Any]) -> BaseAlgorithm:
    venv = DummyVecEnv([lambda: Monitor(make_env(task))] * settings["n_envs"])
    return _quiet(algorithms.create(algo, settings, _folded(venv, settings), _BITS, 0))


def _folded(venv: VecEnv, settings: Mapping[str, Any]) -> FoldedVecNormalize:
    return FoldedVecNormalize(venv, _BITS.input, settings["norm_reward"], settings["gamma"])


def _stable_baselines3(task: str, settings: Mapping[str, Any]) -> BaseAlgorithm:
    venv = DummyVecEnv([lambda: Monitor(gym.make(task))] * settings["n_envs"])
    normalised = VecNormalize(venv, norm_reward=settings["norm_reward"], gamma=settings["gamma"])
    names = ("n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "ent_coef", "vf_coef", "max_grad_norm")
    return _quiet(PPO("MlpPolicy", normalised, seed=0, device="cpu", learning_rate=schedule(settings["learning_rate"]),
                      clip_range=schedule(settings["clip_range"]), **{name: settings[name] for name in names},
                      policy_kwargs={"activation_fn": nn.ReLU, "net_arch": settings["net_arch"]}))


def _quiet(model: BaseAlgorithm) -> BaseAlgorithm:
    model.set_logger(Logger(None, []))
    return model


def _collect(model: Any) -> int:
    """Eight rollouts, by a policy whose parameters changed, as they do between rollouts."""
    callback = CallbackList([])
    callback.init_callback(model)
    before = model.num_timesteps
    for _ in range(8):
        with torch.no_grad():
            for parameter in model.policy.parameters():
                parameter.mul_(1.0001)
        model.collect_rollouts(model.env, callback, model.rollout_buffer, model.n_steps)
    return model.num_timesteps - before


def _learn(model: BaseAlgorithm, steps: int) -> Callable[[], int]:
    def learn() -> int:
        before = model.num_timesteps
        model.learn(steps, reset_num_timesteps=False, log_interval=10 ** 9)
        return model.num_timesteps - before
    return learn


def _plainly(work: Callable[[], int]) -> Callable[[], int]:
    """``work`` with Brevitas' own forwards and Stable-Baselines3's own rollouts and normalisation."""
    def plainly() -> int:
        with contextlib.ExitStack() as stack:
            for owner, name, plain in ((QuantActor, "forward", nn.Sequential.forward),
                                       (QuantActor, "hidden", lambda actor, x: nn.Sequential(*[*actor][:-1])(x)),
                                       (QuantActor, "output", lambda actor, hidden: actor[-1](hidden)),
                                       (QuantActor, "train", nn.Module.train),
                                       (IntegerRollouts, "collect_rollouts", OnPolicyAlgorithm.collect_rollouts),
                                       (FoldedVecNormalize, "step_wait", VecNormalize.step_wait)):
                stack.enter_context(mock.patch.object(owner, name, plain))
            return work()
    return plainly


def _rates(sides: Mapping[str, Callable[[], int]]) -> dict[str, list[float]]:
    """Steps a CPU-second of every side in every repeat, after one that warms up."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(_REPEATS + 1):
        for name, work in sides.items():
            start = time.process_time()
            steps = work()
            if repeat:
                rates[name].append(steps / (time.process_time() - start))
    return rates


def _ratio(name: str, rates: Mapping[str, list[float]], ours: str, theirs: str, what: str,
           target: float | None = None) -> dict[str, Any]:
    ratio = statistics.median(a / b for a, b in zip(rates[ours], rates[theirs], strict=True))
    unit = f"x, {what} ({statistics.median(rates[ours]):.0f} against {statistics.median(rates[theirs]):.0f})"
    return _row(name, ratio, unit, "" if target is None else f">= {target:g}", target is None or ratio >= target, 1.0)
