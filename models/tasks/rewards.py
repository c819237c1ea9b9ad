"""Rewards that training can learn from."""
from __future__ import annotations

from typing import Any

import numpy as np

from quarl.host.errors import UserError

_LARGEST = float(np.finfo(np.float32).max)


def finite(reward: Any, step: int) -> float:
    """``reward``, of an episode's ``step`` from 0 on, as a float. Raises :class:`UserError` for one beyond float32."""
    number = float(reward)
    if not -_LARGEST <= number <= _LARGEST:
        raise UserError("a reward must be finite, and within float32", f"{number!r} in step {step} of an episode",
                        "check the environment")
    return number
