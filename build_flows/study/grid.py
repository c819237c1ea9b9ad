"""A study's grid: its YAML file, and the points that this asks for. Imports nothing heavy."""
from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from host.files import canonical_json, sha256

if TYPE_CHECKING:
    from models.bits import Bits

PRECISION = re.compile(r"fp32|fp16|(?:ptq|qat)[2-8]")
EPISODES, INPUT_BITS = 20, 8


@dataclasses.dataclass(frozen=True)
class Point:
    """One policy to train and to measure: ``precision`` is ``fp32``, ``fp16``, ``ptqN`` or ``qatN``.

    ``settings`` are those of the training, whole, as from :func:`models.presets.preset`.
    """

    task: str
    algo: str
    precision: str
    seed: int
    settings: Mapping[str, Any] = dataclasses.field(hash=False)
    input_bits: int = INPUT_BITS
    per_channel: bool = False
    episodes: int = EPISODES

    @property
    def quantised(self) -> bool:
        """Whether it deploys integers."""
        return self.precision not in ("fp32", "fp16")

    @property
    def training(self) -> Point:
        """The point whose training this one needs: the fp32 point of the same seed for what is quantised afterwards."""
        if self.precision.startswith("qat"):
            return self
        return dataclasses.replace(self, precision="fp32", input_bits=INPUT_BITS, per_channel=False)

    def bits(self) -> Bits | None:
        """Bit widths: weights and activations alike. None for fp32 and fp16."""
        from models.bits import Bits
        width = int(self.precision[3:])
        return Bits(width, width, self.input_bits, self.per_channel) if self.quantised else None

    def describe(self) -> dict[str, Any]:
        """All that decides the trained policy. Unusual choices appear only where they are made, so that points keep
        their hashes when a later version knows more of them."""
        unusual = {"input_bits": INPUT_BITS, "per_channel": False}
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
                         *([f"i{self.input_bits}"] if self.input_bits != INPUT_BITS else []), f"seed {self.seed}"])


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
        """The points of ``part``, None for all, each once: seeds outermost, so that the table fills evenly."""
        found = [point for row in self.rows if part in (None, row.part) for point in row.points]
        return sorted(dict.fromkeys(found), key=lambda point: point.seed)
