"""The networks whose layers are measured: drawn at random, and the same ones every time."""
from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np

from quarl.build_flows.estimate.models import MODELS
from quarl.build_flows.estimate.shape import Folding, Shape, shapes
from quarl.build_flows.folding.planning import options
from quarl.host.policy import Policy
from quarl.models.actors.bits import Bits

FITTED, HELD_OUT = "fitted", "held out"
BITS = (2, 3, 4, 6, 8)
_COUNTS = {FITTED: 5, HELD_OUT: 10}      # random networks of each engine
_INPUTS, _HIDDEN, _OUTPUTS, _DEPTHS = (4, 6, 8, 12, 16), (8, 12, 16, 24, 32), (2, 4, 6, 8), (1, 1, 1, 2)
# What synthesis can do in half a minute or so: products in a cycle, their bits, and a layer's thresholds.
_PRODUCTS, _PRODUCT_BITS, _THRESHOLDS = 16, 256, 2_100


@dataclasses.dataclass(frozen=True)
class Design:
    """A random policy of sizes ``dims`` on an engine, and what its figures are for: :data:`FITTED` or not."""

    role: str
    engine: str
    dims: tuple[int, ...]
    weight_bits: int
    act_bits: int
    input_bits: int
    folding: tuple[Folding, ...]

    @property
    def bits(self) -> Bits:
        """The bit widths of its policy."""
        return Bits(self.weight_bits, self.act_bits, self.input_bits)

    @property
    def name(self) -> str:
        """The design in words, without its role."""
        return "%s %s W%d A%d I%d PE,SIMD %s" % (
            self.engine, "-".join(map(str, self.dims)), self.weight_bits, self.act_bits, self.input_bits,
            " ".join("%d,%d" % (layer.pe, layer.simd) for layer in self.folding))

    def policy(self) -> Policy:
        """The policy, with biases as training leaves them."""
        from quarl.models.export.random_policy import random_policy
        return random_policy(self.dims, self.bits, 0)[1]

    def shapes(self) -> list[Shape]:
        """The policy's layers as hardware sees them."""
        return shapes(self.policy())


def designs() -> list[Design]:
    """All designs: as many on each engine, in turn."""
    drawn = itertools.zip_longest(*(_drawn(engine, role) for role in _COUNTS for engine in MODELS))
    return [design for row in drawn for design in row if design]


def _drawn(engine: str, role: str) -> list[Design]:
    """Random networks: every width as often as any other, sizes and foldings as they come."""
    rng = np.random.default_rng([tuple(MODELS).index(engine), tuple(_COUNTS).index(role)])
    count = _COUNTS[role]
    widths = [[int(bits) for _ in range(math.ceil(count / len(BITS))) for bits in rng.permutation(BITS)]
              for _ in range(2)]
    return [_network(rng, role, engine, *bits) for bits in list(zip(*widths, strict=True))[:count]]


def _network(rng: np.random.Generator, role: str, engine: str, weight_bits: int, act_bits: int) -> Design:
    while True:
        dims = (_one(rng, _INPUTS), *(_one(rng, _HIDDEN) for _ in range(_one(rng, _DEPTHS))), _one(rng, _OUTPUTS))
        if max(dims[1:-1]) * 2 ** act_bits <= _THRESHOLDS:
            break
    input_bits = 8 if rng.random() < 0.7 else 4
    folding = []
    for index, (inputs, outputs) in enumerate(itertools.pairwise(dims)):
        before = input_bits if index == 0 else act_bits
        fits = [each for each in options(Shape(inputs, outputs, weight_bits, before, 0, 0, True))
                if each.pe * each.simd <= _PRODUCTS
                and each.pe * each.simd * weight_bits * before <= _PRODUCT_BITS]
        products = _one(rng, tuple(dict.fromkeys(each.pe * each.simd for each in fits)))
        fits = [each for each in fits if each.pe * each.simd == products]
        folding.append(fits[rng.integers(len(fits))])
    return Design(role, engine, dims, weight_bits, act_bits, input_bits, tuple(folding))


def _one(rng: np.random.Generator, sizes: tuple[int, ...]) -> int:
    return int(rng.choice(sizes))
