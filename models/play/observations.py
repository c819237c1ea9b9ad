"""Observations to compare implementations on: what the policy meets, and what it does not."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from quarl.host.environments.seeds import episode_seeds
from quarl.host.files import PathLike
from quarl.models.play.act import act_in_torch
from quarl.models.runs.run_folder import Run, load_run
from quarl.models.tasks.spaces import is_pixels, make_env

EPSILON = 0.2            # share of random actions, so that rollouts leave the beaten track
RANDOM_SHARE = 0.25      # share of observations that are drawn, not visited
SPREAD = 3.0             # their standard deviation, in the normaliser's: reaches the saturated codes


def visited_observations(run: Run | PathLike, n: int, seed: int = 0) -> np.ndarray:
    """``n`` raw observations, float32 [n, features]: three quarters from epsilon-greedy rollouts, the rest random.

    Random ones are normal around the normaliser's mean. Equal arguments give equal observations. Pixels are uint8
    [n, channels, height, width], and random ones uniform.
    """
    run = run if isinstance(run, Run) else load_run(Path(run))
    random = np.random.default_rng(episode_seeds("visited", seed, 4))
    drawn, space = round(n * RANDOM_SHARE), run.normaliser.observation_space
    if is_pixels(space):
        pixels = random.integers(0, 256, (drawn, *space.shape), np.uint8)
        return np.concatenate([_rollouts(run, n - drawn, seed, random), pixels])
    statistics = run.normaliser.obs_rms
    spread = random.normal(statistics.mean, SPREAD * np.sqrt(statistics.var), (drawn, *statistics.mean.shape))
    return np.concatenate([_rollouts(run, n - drawn, seed, random), spread]).astype(np.float32)


def _rollouts(run: Run, n: int, seed: int, random: np.random.Generator) -> np.ndarray:
    env, act = make_env(run.environment), act_in_torch(run.actor, run.normaliser, run.config["algo"], run.action)
    env.action_space.seed(seed)
    seen: list[np.ndarray] = []
    over = True
    while len(seen) < n:
        if over:
            observation, _ = env.reset(seed=int(random.integers(2 ** 31)))
        seen.append(observation)
        action = env.action_space.sample() if random.random() < EPSILON else act(observation[None])[0]
        observation, _, terminated, truncated, _ = env.step(action)
        over = terminated or truncated
    env.close()
    return np.asarray(seen, np.uint8 if is_pixels(env.observation_space) else np.float32)
