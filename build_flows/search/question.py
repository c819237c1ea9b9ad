"""What a search is asked for, and the points that a study would have for it."""
from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

from quarl.build_flows.folding.option import check_fold
from quarl.build_flows.search.reward_parity import Parity
from quarl.build_flows.search.space import Candidate, Space
from quarl.build_flows.study.grid import BOARD, EPISODES, Point, precision_of
from quarl.build_flows.study.groups import resized
from quarl.host.errors import UserError
from quarl.hw import boards
from quarl.hw.engines.registry import engine_of


@dataclasses.dataclass(frozen=True)
class Search:
    """The smallest policy for ``task`` with ``algo``, whose mean return over ``seeds`` trainings is at ``parity``.

    It is built with ``engine`` and ``folding`` for ``board``. ``steps`` of training None are the preset's. Raises
    :class:`UserError` for a value that means nothing.
    """

    task: str
    algo: str
    parity: Parity
    seeds: int = 3
    engine: str = "rom"
    folding: str = "min-area"
    steps: int | None = None
    episodes: int = EPISODES
    board: str = BOARD

    def __post_init__(self) -> None:
        check_fold("--fold", self.folding)
        object.__setattr__(self, "board", boards.board(self.board).name)
        engine_of(self.engine, "--engine")
        for option, count in (("--seeds", self.seeds), ("--steps", self.steps), ("--episodes", self.episodes)):
            if count is not None and count < 1:
                raise UserError(f"{option} must be 1 or more", count, f"pass {option} 3")
        if "conv" in self.settings["net_arch"]:
            raise UserError("a policy that is searched for must read a vector of features", f"pixels of {self.task}",
                            "choose another --task")

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        """Those of the training, as the preset has them."""
        from quarl.models.tasks.presets import algorithms, hint, preset
        try:
            return preset(self.algo, self.task, {"total_steps": self.steps} if self.steps else {})
        except UserError as error:
            if self.algo not in algorithms():
                raise
            fix = hint(self.algo, self.task) or "choose one with --task, or "
            raise UserError(error.rule, error.found, fix + "give --steps") from error

    @functools.cached_property
    def space(self) -> Space:
        """The candidates. Raises :class:`UserError` for a task that does not exist."""
        from quarl.models.tasks.spaces import action_space, make_env
        env = make_env(self.task)
        shape, outputs = env.observation_space.shape, action_space(env.action_space).size
        env.close()
        arch = self.settings["net_arch"]
        hidden = arch["pi"] if isinstance(arch, dict) else arch
        return Space(math.prod(shape or ()), len(hidden), max(hidden), outputs)

    def reference(self) -> list[Point]:
        """The fp32 policies that candidates are compared with, one a seed."""
        return [Point(self.task, self.algo, "fp32", seed, self.settings, episodes=self.episodes)
                for seed in range(self.seeds)]

    def policies(self, candidate: Candidate) -> list[Point]:
        """The trainings of a candidate, one a seed."""
        settings, hidden = resized(self.settings, (candidate.hidden,) * self.space.layers)
        precision = precision_of("qat", candidate.bits)
        return [dataclasses.replace(point, precision=precision, settings=settings, hidden=hidden,
                                    input_bits=candidate.input) for point in self.reference()]

    def design(self, policy: Point) -> Point:
        """``policy`` as hardware."""
        return dataclasses.replace(policy, engine=self.engine, folding=self.folding, board=self.board)

    def describe(self) -> dict[str, Any]:
        """All that decides what is found, but for the number of trials."""
        return {**dataclasses.asdict(self), "parity": self.parity.text, "settings": self.settings}
