"""An fp32 actor in float16: half the memory, and no integers, so that it can be played but not exported."""
from __future__ import annotations

import copy

from torch import Tensor, nn


class HalfActor(nn.Sequential):
    """The layers of an fp32 ``network`` with weights and arithmetic in float16; float32 in and out."""

    def __init__(self, network: nn.Sequential):
        super().__init__(*copy.deepcopy(network).half())

    def forward(self, x: Tensor) -> Tensor:
        """Outputs float32 [N, out] of normalised observations [N, n]."""
        return super().forward(x.half()).float()
