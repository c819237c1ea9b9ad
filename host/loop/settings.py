"""What a run in the closed loop is told."""
from __future__ import annotations

import dataclasses
import math
from typing import Any, Dict, Optional

from quarl.host.environments.description import Description
from quarl.host.errors import UserError
from quarl.host.files import PathLike
from quarl.host.policy import Policy


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to play: ``episodes`` of ``task`` (default: the policy's), the fresh ones that ``seed`` names.

    The task is made as in training, with the same arguments, wrappers and time limit, but for ``max_episode_steps``,
    which takes the place of the time limit; another task has no arguments. ``max_steps`` breaks off episodes.

    ``envs`` environments are stepped together and share one batch on the device. With ``hz`` a step must be done
    within its period, and those that are not are counted. A share ``shadow`` of the steps is also computed by the
    integer reference; a mismatch stops the run, or is counted. ``video`` is a folder for films of the first episodes.
    Raises :class:`UserError` for a value that makes no sense.
    """

    episodes: int = 10
    seed: int = 0
    max_steps: Optional[int] = None
    task: Optional[str] = None
    envs: int = 1
    hz: Optional[float] = None
    shadow: float = 0.0
    shadow_stops: bool = True
    video: Optional[PathLike] = None
    resume: bool = False
    max_episode_steps: Optional[int] = None

    def __post_init__(self) -> None:
        for name, number in (("episodes", self.episodes), ("envs", self.envs),
                             ("max-steps", 1 if self.max_steps is None else self.max_steps)):
            if number < 1:
                raise UserError("the number of %s must be at least 1" % name, number, "pass --%s 10" % name)
        Description("", max_episode_steps=self.max_episode_steps)          # checks it
        if self.seed < 0:
            raise UserError("the seed must be 0 or more", self.seed, "choose another --seed")
        if self.hz is not None and not (self.hz > 0 and math.isfinite(self.hz)):
            raise UserError("the rate must be above 0", self.hz, "pass the loop's steps a second, as in --hz 1000")
        if not 0 <= self.shadow <= 1:
            raise UserError("the shadow's share must be from 0 to 1", self.shadow, "pass --shadow 0.01 for 1 %")

    def environment(self, policy: Policy) -> Description:
        """What is played in. Raises :class:`UserError` for a policy package that describes none."""
        found = Description.of(policy.task, policy.environment).limited(self.max_episode_steps)
        if self.task is None or self.task == policy.task:
            return found
        return dataclasses.replace(found, task=self.task, kwargs={})

    def describe(self, policy: Policy, device: str) -> Dict[str, Any]:
        """The opening record of the log but for the accelerator: what must be equal for a run to be resumed."""
        return {"task": self.task or policy.task, "environment": self.environment(policy).record() or None,
                "device": device, "policy": policy.hash, "episodes": self.episodes,
                "seed": self.seed, "max_steps": self.max_steps, "envs": self.envs, "hz": self.hz,
                "shadow": self.shadow,
                "bits": {"input": policy.input_bits,
                         "layers": [[layer.weight_bits, layer.act_bits] for layer in policy.layers]}}
