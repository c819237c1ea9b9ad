"""Bit widths of a quantised policy, and the one check of them."""
from __future__ import annotations

import dataclasses
from typing import Any

from quarl.host.errors import UserError

LOWEST, HIGHEST = 2, 8
WEIGHT_PARTS = ("the first layer", "those between", "the last")
ACT_PARTS = ("the first layer", "those between")


def check_bits(kind: str, value: int) -> int:
    """Return ``value`` if it is a whole number from 2 to 8, else raise :class:`UserError`.

    ``kind`` is ``weight``, ``act`` or ``input``, as in the option ``--weight-bits``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not LOWEST <= value <= HIGHEST:
        raise UserError(f"{kind} bits must be a whole number from {LOWEST} to {HIGHEST}", value,
                        f"choose --{kind}-bits between {LOWEST} and {HIGHEST}")
    return value


Width = int | tuple[int, ...]


def _check_width(kind: str, value: Any, parts: tuple[str, ...]) -> Width:
    """One width of all layers, or one of each of ``parts``: those are a tuple, or one number where all are alike."""
    if not isinstance(value, (list, tuple)):
        return check_bits(kind, value)
    if len(value) != len(parts):
        raise UserError(f"{kind} bits must be one width, or {len(parts)}: of {' and '.join(parts)}", list(value),
                        f"write for example {', '.join(['4'] * len(parts))}")
    widths = tuple(check_bits(kind, each) for each in value)
    return widths if len(set(widths)) > 1 else widths[0]


def _check_per_channel(value: Any) -> None:
    if not isinstance(value, bool):
        raise UserError("per_channel must be true (one weight scale per output channel) or false (one per layer)",
                        value, "write per_channel: true or per_channel: false")


@dataclasses.dataclass(frozen=True)
class Bits:
    """Bits of weights (signed, narrow), hidden activations (unsigned) and input codes (signed), 2 to 8 each.

    ``weight`` is one width, or three: of the first layer, of those between, and of the last. ``act`` is one, or two:
    of what the first layer gives, and of what those between give. ``per_channel`` gives every output channel of a
    layer a weight scale of its own. Raises :class:`UserError` for any other value.
    """

    weight: Width
    act: Width
    input: int = 8
    per_channel: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", _check_width("weight", self.weight, WEIGHT_PARTS))
        object.__setattr__(self, "act", _check_width("act", self.act, ACT_PARTS))
        check_bits("input", self.input)
        _check_per_channel(self.per_channel)

    @property
    def uniform(self) -> bool:
        """Whether all layers have the same widths."""
        return isinstance(self.weight, int) and isinstance(self.act, int)

    def weights(self, layers: int) -> tuple[int, ...]:
        """The width of the weights of each of ``layers``."""
        if isinstance(self.weight, int):
            return (self.weight,) * layers
        first, core, last = self.weight
        return (first, *(core,) * (layers - 2), last)[-layers:]

    def acts(self, layers: int) -> tuple[int, ...]:
        """The width of what each of ``layers`` but the last gives."""
        first, core = (self.act, self.act) if isinstance(self.act, int) else self.act
        return (first, *(core,) * (layers - 2))[:layers - 1]

    def describe(self) -> dict[str, Any]:
        """As a run's ``config.yaml`` holds it."""
        return {name: list(value) if isinstance(value, tuple) else value
                for name, value in dataclasses.asdict(self).items()}

    def __str__(self) -> str:
        return f"W{text_of(self.weight)}A{text_of(self.act)}I{self.input}" + "c" * self.per_channel


def text_of(width: Width) -> str:
    """``4``, or ``8-4-8``."""
    return str(width) if isinstance(width, int) else "-".join(map(str, width))
