"""A study's grid: the points that its YAML file asks for, and what each is called. Imports nothing heavy."""
from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from quarl.host.files import canonical_json, sha256

if TYPE_CHECKING:
    from quarl.models.actors.bits import Bits, Width

_WIDTHS = re.compile(r"(ptq|qat)(?:([2-8])|W([2-8](?:-[2-8]-[2-8])?)A([2-8](?:-[2-8])?))")
FLOATS = ("fp32", "fp16")
EPISODES, INPUT_BITS = 20, 8
FOLDING, BOARD = "balanced", "pynq-z2"


def is_precision(text: str) -> bool:
    """Whether it is ``fp32``, ``fp16``, ``ptqN``, ``qatN``, or has widths, as ``qatW3A4`` or ``ptqW8-3-8A4-3``."""
    return text in FLOATS or _WIDTHS.fullmatch(text) is not None


def widths_of(precision: str) -> tuple[str, Width, Width] | None:
    """``ptq`` or ``qat``, and the bits of weights and of activations; None for a floating-point precision."""
    found = _WIDTHS.fullmatch(precision)
    if found is None:
        return None
    method, both, weight, act = found.groups()
    if both:
        return method, int(both), int(both)
    weights, acts = ([int(part) for part in text.split("-")] for text in (weight, act))
    return method, weights[0] if len(weights) == 1 else tuple(weights), acts[0] if len(acts) == 1 else tuple(acts)


def precision_of(method: str, bits: Bits) -> str:
    """The one way to write a quantised precision: ``qat4``, or ``qatW3A4``, or ``qatW8-3-8A4-3``."""
    from quarl.models.actors.bits import text_of
    if bits.weight == bits.act:
        return f"{method}{bits.weight}"
    return f"{method}W{text_of(bits.weight)}A{text_of(bits.act)}"


@dataclasses.dataclass(frozen=True)
class Point:
    """One policy to train and to measure, in software or, with an ``engine`` and a ``folding``, as hardware for
    ``board``.

    ``precision`` is as :func:`is_precision` says. ``settings`` are those of the training, whole, as from
    ``presets.preset``; ``hidden`` are the sizes of the hidden layers in them, where they are not the
    preset's. With ``energy``, that of a design is estimated, too; no other result depends on it.
    """

    task: str
    algo: str
    precision: str
    seed: int
    settings: Mapping[str, Any] = dataclasses.field(hash=False)
    input_bits: int = INPUT_BITS
    per_channel: bool = False
    episodes: int = EPISODES
    hidden: tuple[int, ...] | None = None
    engine: str | None = None
    folding: str | None = None
    energy: bool = dataclasses.field(default=False, compare=False)
    board: str = BOARD

    @property
    def quantised(self) -> bool:
        """Whether it deploys integers."""
        return self.precision not in FLOATS

    @property
    def policy(self) -> Point:
        """The point without its hardware: many designs share a policy."""
        return dataclasses.replace(self, engine=None, folding=None, board=BOARD)

    @property
    def training(self) -> Point:
        """The point whose training this one needs: the fp32 point of the same seed for what is quantised afterwards."""
        if self.precision.startswith("qat"):
            return self.policy
        return dataclasses.replace(self.policy, precision="fp32", input_bits=INPUT_BITS, per_channel=False)

    def bits(self) -> Bits | None:
        """Bit widths. None for fp32 and fp16."""
        from quarl.models.actors.bits import Bits
        found = widths_of(self.precision)
        return Bits(*found[1:], self.input_bits, self.per_channel) if found else None

    def describe(self) -> dict[str, Any]:
        """All that decides the result. Unusual choices appear only where they are made, so that points keep their
        hashes when a later version knows more of them."""
        unusual = {"input_bits": INPUT_BITS, "per_channel": False, "engine": None, "folding": None,
                   "board": BOARD}
        return {"task": self.task, "algo": self.algo, "precision": self.precision, "seed": self.seed,
                "settings": dict(self.settings),
                **{key: getattr(self, key) for key, usual in unusual.items() if getattr(self, key) != usual}}

    @functools.cached_property
    def name(self) -> str:
        """Readable, and with a hash of :meth:`describe`: the name of its run folder and of its result."""
        digest = sha256(canonical_json(self.describe()))[:8]
        return re.sub(r"[^\w.-]", "_", "-".join([*self.title.replace("seed ", "s").split(), digest]))

    @property
    def title(self) -> str:
        """For people."""
        return " ".join([self.task, self.algo, self.precision, *(["per-channel"] if self.per_channel else []),
                         *([f"i{self.input_bits}"] if self.input_bits != INPUT_BITS else []),
                         *(["h" + "x".join(map(str, self.hidden))] if self.hidden else []),
                         *([self.engine, str(self.folding)] if self.engine else []),
                         *([self.board] if self.board != BOARD else []), f"seed {self.seed}"])


@dataclasses.dataclass(frozen=True)
class Row:
    """The points of one task and algorithm: a row of the table. ``note`` says what is unusual in its group."""

    part: str
    task: str
    algo: str
    note: str
    points: tuple[Point, ...]


@dataclasses.dataclass(frozen=True)
class Study:
    """``rl_zoo`` holds returns to compare with, by task and algorithm."""

    name: str
    rows: tuple[Row, ...]
    rl_zoo: Mapping[str, Mapping[str, float]]

    @property
    def parts(self) -> list[str]:
        """Names of the parts, in the file's order."""
        return list(dict.fromkeys(row.part for row in self.rows))

    def points(self, part: str | None = None) -> list[Point]:
        """The points of ``part``, None for all, each once: seeds outermost, so that the table fills evenly.

        Of points that differ in ``energy`` alone the one that asks for it is left.
        """
        found = [point for row in self.rows if part in (None, row.part) for point in row.points]
        found.sort(key=lambda point: not point.energy)
        return sorted(dict.fromkeys(found), key=lambda point: point.seed)
