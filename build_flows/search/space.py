"""The policies that a search chooses from: bits by part of the network, and the size of the hidden layers."""
from __future__ import annotations

import dataclasses

from quarl.models.actors.bits import HIGHEST, LOWEST, Bits

STEP = 8      # between two sizes of hidden layers: sizes with many divisors have many foldings


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A policy: bits of its observations, of the weights of the first, the core and the last layer, and of what the
    first layer and the core give; channels of every hidden layer."""

    input: int
    first: int
    core: int
    last: int
    act_first: int
    act_core: int
    hidden: int

    @property
    def bits(self) -> Bits:
        """As training takes them."""
        return Bits((self.first, self.core, self.last), (self.act_first, self.act_core), self.input)

    def __str__(self) -> str:
        return f"{self.bits} h{self.hidden}"


@dataclasses.dataclass(frozen=True)
class Space:
    """All candidates for a task: observations of ``inputs`` values, ``layers`` hidden ones of at most ``largest``
    channels, ``outputs``."""

    inputs: int
    layers: int
    largest: int
    outputs: int

    def ranges(self) -> dict[str, tuple[int, int, int]]:
        """Of every field of a candidate: the least value, the greatest, and the step."""
        widths = {field.name: (LOWEST, HIGHEST, 1) for field in dataclasses.fields(Candidate)}
        least = min(STEP, self.largest)
        return widths | {"hidden": (least, self.largest - (self.largest - least) % STEP, STEP)}

    def dims(self, candidate: Candidate) -> tuple[int, ...]:
        """The sizes of the network, from observation to action."""
        return (self.inputs, *(candidate.hidden,) * self.layers, self.outputs)

    def starts(self) -> list[Candidate]:
        """What is tried first: the 8-bit policy, which the others are compared with, and ever smaller ones."""
        least, most, step = self.ranges()["hidden"]
        half, quarter = (least + (most // part - least) // step * step if most // part > least else least
                         for part in (2, 4))
        return [Candidate(*(HIGHEST,) * 6, most), Candidate(8, 4, 3, 4, 4, 3, half), Candidate(6, 4, 2, 4, 3, 3, half),
                Candidate(6, 3, 3, 3, 3, 3, quarter), Candidate(4, 2, 2, 2, 2, 2, quarter)]
