"""Bit widths of a quantised policy, and the one check of them."""
from __future__ import annotations

import dataclasses

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


@dataclasses.dataclass(frozen=True)
class Bits:
    """Bits of weights (signed, narrow), hidden activations (unsigned) and input codes (signed), 2 to 8 each.

    Raises :class:`UserError` for any other value.
    """

    weight: int
    act: int
    input: int = 8

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_bits(field.name, getattr(self, field.name))

    def __str__(self) -> str:
        return f"W{self.weight}A{self.act}I{self.input}"
