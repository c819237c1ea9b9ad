"""Playing a trained policy on fresh episodes."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from quarl.host.devices.interface import Device
from quarl.host.environments.observations import tell_of_flattening
from quarl.host.environments.seeds import EVALUATION, episode_seeds
from quarl.host.errors import UserError
from quarl.host.files import PathLike
from quarl.models.export.package import policy_of
from quarl.models.play.act import act_in_integers, act_in_torch, act_on
from quarl.models.play.rollouts import Act, Player
from quarl.models.runs.run_folder import Run, load_run

BACKENDS = ("torch", "integer")
_WIDTH = 20       # episodes played together


def evaluate(run: Run | PathLike, episodes: int = 20, seed: int = 0, backend: str | Device = "torch",
             max_episode_steps: int | None = None) -> np.ndarray:
    """Undiscounted returns float64 [episodes] of deterministic play on episodes that training never saw.

    ``backend`` is ``torch``, the trained actor, ``integer``, the integer reference that the hardware equals, or an open
    device. ``max_episode_steps`` takes the place of the time limit of training. The episodes are those of `quarl run`.
    Equal arguments give equal returns. Raises :class:`UserError`.
    """
    if episodes < 1:
        raise UserError("the number of episodes must be 1 or more", episodes, "choose another --episodes")
    if seed < 0:
        raise UserError("the seed must be 0 or more", seed, "choose another --seed")
    run = run if isinstance(run, Run) else load_run(Path(run))
    player = Player(run.environment.limited(max_episode_steps), min(episodes, _WIDTH))
    tell_of_flattening(player.envs[0], run.environment.task)
    try:
        return player.play(_act(run, backend), episode_seeds(EVALUATION, seed, episodes))
    finally:
        player.close()


def _act(run: Run, backend: str | Device) -> Act:
    if isinstance(backend, Device):
        return act_on(backend, policy_of(run))
    if backend == "torch":
        return act_in_torch(run.actor, run.normaliser, run.config["algo"], run.action)
    if backend == "integer":
        return act_in_integers(policy_of(run))
    raise UserError("the backend must be one of " + ", ".join(BACKENDS), backend, "choose one with --backend")
