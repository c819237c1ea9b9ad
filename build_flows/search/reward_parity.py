"""Reward parity: how far below the fp32 policy's the mean return of a quantised policy may be."""
from __future__ import annotations

import dataclasses
import re
import statistics
from collections.abc import Sequence

from quarl.host.errors import UserError

STD = "std"


@dataclasses.dataclass(frozen=True)
class Parity:
    """``std``: one standard deviation of the fp32 policy's returns; ``5%``: so much of their mean's amount.

    Raises :class:`UserError` for any other text.
    """

    text: str

    def __post_init__(self) -> None:
        if self.text != STD and not re.fullmatch(r"\d+(\.\d+)?%", self.text):
            raise UserError("--parity must be std, or a share of the fp32 policy's return such as 5%", self.text,
                            "pass --parity 5%")

    def floor(self, returns: Sequence[float]) -> float:
        """The least mean return at parity with ``returns``, those of the fp32 policy's episodes."""
        mean = statistics.fmean(returns)
        if self.text == STD:
            return mean - statistics.pstdev(returns)
        return mean - abs(mean) * float(self.text.removesuffix("%")) / 100
