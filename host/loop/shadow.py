"""The shadow check: a share of the steps is also computed by the integer reference, accumulator for accumulator."""
from __future__ import annotations

from typing import Any, Dict, Optional

import numpy as np

from quarl.host.errors import MismatchError
from quarl.host.policy import Policy
from quarl.host.policy.integer import accumulators


class Shadow:
    """Compares the ``share`` of an episode's steps that ``seed`` and the episode's number choose: always the same."""

    def __init__(self, policy: Policy, share: float, seed: int, episode: int):
        self.policy, self.share, self.episode = policy, share, episode
        self._chance = np.random.default_rng([seed, episode])
        self.checked = self.mismatches = 0

    def check(self, step: int, codes: np.ndarray, found: np.ndarray) -> Optional[Dict[str, Any]]:
        """Compare the device's accumulators int32 [out] for codes [features]; to be called at every step, in order.

        Returns the fields of the log's record where they differ, the first output that does; else None.
        """
        if self._chance.random() >= self.share:
            return None
        self.checked += 1
        expected = accumulators(self.policy, codes.reshape(1, -1))[0]
        if np.array_equal(found, expected):
            return None
        self.mismatches += 1
        output = int(np.argmax(found != expected))
        return {"episode": self.episode, "step": step, "output": output, "found": int(found[output]),
                "expected": int(expected[output])}


def mismatch(difference: Dict[str, Any]) -> MismatchError:
    """The error that stops the run, for what :meth:`Shadow.check` returned."""
    return MismatchError(
        "the device must equal the integer reference in every accumulator",
        "%(found)s instead of %(expected)s at output %(output)d in step %(step)d of episode %(episode)d" % difference,
        "build again with `quarl build RUN`, which proves parity; on a board look at clock, power and heat; "
        "--shadow-action count plays on")
