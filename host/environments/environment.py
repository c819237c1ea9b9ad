"""Gymnasium environments by id, our own and Atari's among them, with errors that say what to do."""
from __future__ import annotations

import difflib
import importlib
from typing import Any, Dict, Optional

from quarl.host.environments import navigation
from quarl.host.errors import UserError
from quarl.host.policy import Policy

_ATARI = "ale_py.env:AtariEnv"
_ATARI_PACKAGES = "install the Atari games: pip install ale-py opencv-python-headless"


def make(task: str, render_mode: Optional[str] = None) -> Any:
    """The environment ``task``: any registered Gymnasium id, ``Navigation-v0``, or an Atari game.

    An Atari id is any that ale-py registers (``ALE/Pong-v5``, ``PongNoFrameskip-v4``, ``Pong-v4``) and comes with the
    usual preprocessing, see :func:`_atari`. With ``render_mode`` it can draw itself, if it knows how to.
    Raises :class:`UserError` for an unknown id or a missing simulator package.
    """
    import gymnasium
    from gymnasium.envs.registration import registry  # where Gymnasium 0.26, numpy 1.20's last, has it too
    _register(task)
    options = {} if render_mode is None else {"render_mode": render_mode}
    try:
        return _atari(task, options) if _is_atari(task) else gymnasium.make(task, **options)
    except TypeError as error:
        if render_mode is None:
            raise
        raise UserError("an environment must know the render mode %s" % render_mode, error,
                        "leave --video out for this task") from error
    except (gymnasium.error.Error, ImportError) as error:
        near = difflib.get_close_matches(task, list(registry), 3, 0.5)
        fix = "use one of %s" % ", ".join(near) if near else "list them with gymnasium.pprint_registry()"
        if isinstance(error, gymnasium.error.DependencyNotInstalled):
            fix = _ATARI_PACKAGES if _is_atari(task) else "install what it needs: pip install 'gymnasium[all]'"
        elif _names_atari(task) and not any(map(_is_atari, registry)):
            fix = _ATARI_PACKAGES
        raise UserError("the task must be an installed Gymnasium environment", "%s (%s)" % (task, error),
                        fix) from error


def _register(task: str) -> None:
    """Make our own environment known, and Atari's where ``task`` is not known yet: importing ale-py registers them."""
    from gymnasium.envs.registration import register, registry
    if navigation.ID not in registry:
        register(navigation.ID, "quarl.host.environments.navigation:make", max_episode_steps=navigation.STEPS)
    if task not in registry:
        try:
            importlib.import_module("ale_py")
        except ImportError:
            return


def _names_atari(task: str) -> bool:
    return task.startswith("ALE/") or "NoFrameskip-v" in task


def _is_atari(task: str) -> bool:
    from gymnasium.envs.registration import registry
    return task in registry and registry[task].entry_point == _ATARI


def _atari(task: str, options: Dict[str, str]) -> Any:
    """A game as DQN's authors saw it (Mnih et al. 2015): observations uint8 [4, 84, 84], the newest frame last.

    Up to 30 no-ops after a reset, every action for 4 frames, each frame the maximum of the last 2, grey and scaled to
    84 x 84. Channels come first, as stable-baselines3's CNN and the policy package have them. An episode is a whole
    game and rewards are the game's own; sticky actions are as the id defines them.
    """
    import gymnasium
    from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation
    env = gymnasium.make(task, frameskip=1, **options)
    return FrameStackObservation(AtariPreprocessing(env, noop_max=30, frame_skip=4, screen_size=84), 4)


def check_fits(env: Any, policy: Policy) -> None:
    """Raise :class:`UserError` where ``env`` has other spaces than the policy was trained on."""
    if tuple(env.observation_space.shape or ()) != policy.observation_shape:
        raise UserError("the environment's observations must have the policy's shape %s" % (policy.observation_shape,),
                        env.observation_space, "use the task that the policy was trained on, %s" % policy.task)
    from gymnasium import spaces
    space, action = env.action_space, policy.action
    if action.kind == "discrete":
        fits = isinstance(space, spaces.Discrete) and space.n == action.n and space.start == 0
    else:
        fits = isinstance(space, spaces.Box) and space.shape == (action.size,)
    if not fits:
        raise UserError("the environment's actions must be the policy's (%s of size %d)" % (action.kind, action.size),
                        space, "use the task that the policy was trained on, %s" % policy.task)
