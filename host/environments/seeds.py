"""Which episodes are played: seeds for the environments, equal wherever the same is played."""
from __future__ import annotations

from typing import List

import numpy as np

EVALUATION = "evaluation"       # of a trained policy: in software and on every device the same episodes


def episode_seeds(purpose: str, seed: int, count: int) -> List[int]:
    """Seeds of ``count`` episodes; of more, these are the first.

    Each ``purpose`` has its own, so that those of the evaluation are fresh: training never saw them.
    """
    return [int(s) for s in np.random.SeedSequence([seed, *purpose.encode()]).generate_state(count)]
