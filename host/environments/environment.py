"""Gymnasium environments by description, our own and Atari's among them, with errors that say what to do."""
from __future__ import annotations

from typing import Any, Dict, Optional, Union

from quarl.host.environments import registration
from quarl.host.environments.description import Description
from quarl.host.environments.faults import fault
from quarl.host.environments.guarded import guarded
from quarl.host.environments.observations import flattened
from quarl.host.environments.wrappers import wrapped
from quarl.host.errors import UserError
from quarl.host.policy import Policy


def make(what: Union[str, Description], render_mode: Optional[str] = None) -> Any:
    """The environment ``what``, or as it is registered where that is an id: any of Gymnasium, ``Navigation-v0``, a
    game of Atari, or ``module:Env-v0`` of a module that registers it.

    An Atari id is any that ale-py registers (``ALE/Pong-v5``, ``PongNoFrameskip-v4``, ``Pong-v4``) and comes with the
    usual preprocessing, see :func:`_atari`. Observations that are neither a vector nor pixels are flattened, and what
    goes wrong in the environment is told as its own, see ``environments.guarded``. With ``render_mode`` it can draw
    itself, if it knows how to.

    Raises :class:`UserError` for an unknown id, a missing simulator package, and an environment that fails.
    """
    from gymnasium.envs.registration import registry  # where Gymnasium 0.26, numpy 1.20's last, has it too
    described = Description(what) if isinstance(what, str) else what
    task = described.task
    registration.register(task)
    options = dict(described.kwargs, **({} if render_mode is None else {"render_mode": render_mode}))
    env = _made(described, options)
    for name, kwargs in described.wrappers:
        env = wrapped(env, task, name, kwargs)
    _check_spaces(env, task)
    spec = registry.get(registration.split(task)[1])
    return guarded(flattened(env), task, described.max_episode_steps or (spec and spec.max_episode_steps))


def _made(described: Description, options: Dict[str, Any]) -> Any:
    """The environment without the description's wrappers. Gymnasium's own checks are off: the guard has better."""
    import gymnasium
    task = described.task
    try:
        if registration.is_atari(task):
            return _atari(described, options)
        return gymnasium.make(task, described.max_episode_steps, disable_env_checker=True, **options)
    except (gymnasium.error.Error, ImportError) as error:
        raise registration.unknown(task, error) from error
    except Exception as error:
        if isinstance(error, TypeError) and "render_mode" in options:
            raise UserError("an environment must know the render mode %s" % options["render_mode"], error,
                            "leave --video out for this task") from error
        rule = "the environment %s must be made without an error" % task
        if described.kwargs and isinstance(error, TypeError):
            rule += ", with the arguments %s" % ", ".join(described.kwargs)
        raise fault(rule, error) from error


def _check_spaces(env: Any, task: str) -> None:
    from gymnasium import Space
    for name in ("observation_space", "action_space"):
        try:
            space = getattr(env, name)
        except AttributeError:
            space = None
        if not isinstance(space, Space):
            raise UserError("the environment %s must have a Gymnasium space as its %s" % (task, name), repr(space)[:80],
                            "set self.%s in its __init__" % name)


def _atari(described: Description, options: Dict[str, Any]) -> Any:
    """A game as DQN's authors saw it (Mnih et al. 2015): observations uint8 [4, 84, 84], the newest frame last.

    Up to 30 no-ops after a reset, every action for 4 frames, each frame the maximum of the last 2, grey and scaled to
    84 x 84. Channels come first, as stable-baselines3's CNN and the policy package have them. An episode is a whole
    game and rewards are the game's own; sticky actions are as the id defines them.
    """
    import gymnasium
    from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation, TimeLimit
    env = gymnasium.make(described.task, **dict({"frameskip": 1}, **options))
    env = FrameStackObservation(AtariPreprocessing(env, noop_max=30, frame_skip=4, screen_size=84), 4)
    return env if described.max_episode_steps is None else TimeLimit(env, described.max_episode_steps)


def check_fits(env: Any, policy: Policy) -> None:
    """Raise :class:`UserError` where ``env`` has other spaces than the policy was trained on."""
    if tuple(env.observation_space.shape or ()) != policy.observation_shape:
        raise UserError("the environment's observations must have the policy's shape %s" % (policy.observation_shape,),
                        env.observation_space, "use the task that the policy was trained on, %s" % policy.task)
    from gymnasium import spaces
    space, action = env.action_space, policy.action
    if action.kind == "discrete":
        fits = isinstance(space, spaces.Discrete) and (space.n, space.start) == (action.n, action.start)
    else:
        fits = isinstance(space, spaces.Box) and space.shape == (action.size,)
    if not fits:
        start = " from %d" % action.start if action.start else ""
        raise UserError("the environment's actions must be the policy's (%s of size %d%s)"
                        % (action.kind, action.size, start), space,
                        "use the task that the policy was trained on, %s" % policy.task)
