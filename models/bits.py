"""Bit widths of a quantised policy, and the one check of them."""
from __future__ import annotations

import dataclasses
from typing import Any

from host.errors import UserError

LOWEST, HIGHEST = 2, 8


def check_bits(kind: str, value: int) -> int:
    """Return ``value`` if it is a whole number from 2 to 8, else raise :class:`UserError`.

    ``kind`` is ``weight``, ``act`` or ``input``, as in the option ``--weight-bits``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not LOWEST <= value <= HIGHEST:
        raise UserError(f"{kind} bits must be a whole number from {LOWEST} to {HIGHEST}", value,
                        f"choose --{kind}-bits between {LOWEST} and {HIGHEST}")
    return value


def _check_per_channel(value: Any) -> None:
    if not isinstance(value, bool):
        raise UserError("per_channel must be true (one weight scale per output channel) or false (one per layer)",
                        value, "write per_channel: true or per_channel: false")


@dataclasses.dataclass(frozen=True)
class Bits:
    """Bits of weights (signed, narrow), hidden activations (unsigned) and input codes (signed), 2 to 8 each.

    ``per_channel`` gives every output channel of a layer a weight scale of its own. Raises :class:`UserError` for
    any other value.
    """

    weight: int
    act: int
    input: int = 8
    per_channel: bool = False

    def __post_init__(self) -> None:
        for kind, value in (("weight", self.weight), ("act", self.act), ("input", self.input)):
            check_bits(kind, value)
        _check_per_channel(self.per_channel)

    def __str__(self) -> str:
        return f"W{self.weight}A{self.act}I{self.input}" + "c" * self.per_channel
