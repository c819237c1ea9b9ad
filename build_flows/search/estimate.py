"""What a candidate costs as hardware, before anything is trained: from a random policy of its widths and sizes."""
from __future__ import annotations

import functools
from typing import NamedTuple

from quarl.build_flows.search.question import Search
from quarl.build_flows.search.space import Candidate
from quarl.host.errors import UserError


class Estimate(NamedTuple):
    """LUTs, bridge included, by the resource model, and cycles of latency, of the folding that would be chosen."""

    lut: float
    latency: int

    def as_good_as(self, other: Estimate) -> bool:
        """Whether it has neither more LUTs nor more latency."""
        return self.lut <= other.lut and self.latency <= other.latency


@functools.cache
def estimate(search: Search, candidate: Candidate) -> Estimate | None:
    """The cost of ``candidate``; None where it does not fit the board."""
    from quarl.build_flows.building.options import Options
    from quarl.build_flows.estimate.shape import shapes
    from quarl.build_flows.folding import planning
    from quarl.hw.boards import board
    from quarl.models.export.random_policy import random_policy

    options = Options(search.board, search.engine, fold=search.folding)
    _, policy = random_policy(search.space.dims(candidate), candidate.bits, 0)
    try:
        plan = planning.choose(shapes(policy), options.compute, options.fold, board(options.board),
                               options.max_lut_percent, options.style)
    except UserError:
        return None
    return Estimate(round(plan.lut), plan.latency)
