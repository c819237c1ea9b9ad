"""How the report writes numbers: thousands separators, units after a no-break space, a dash for what is not known."""
from __future__ import annotations

NONE = "–"
SPACE = "\N{NO-BREAK SPACE}"


def count(value: float | None, unit: str = "") -> str:
    """A whole number, ``53,200``; a fraction keeps one digit."""
    if value is None:
        return NONE
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    return text + (SPACE + unit if unit else "")


def real(value: float | None, digits: int = 1) -> str:
    """A number with a fixed number of digits."""
    return NONE if value is None else f"{value:,.{digits}f}"


def significant(value: float | None) -> str:
    """A number of any size with three significant digits."""
    return NONE if value is None else f"{value:#.3g}".rstrip(".")


def share(value: float | None) -> str:
    """A share from 0 to 1, in percent."""
    return percent(None if value is None else 100 * value)


def percent(value: float | None) -> str:
    """A share that is already in percent."""
    return NONE if value is None else f"{value:,.1f}{SPACE}%"


def microseconds(value: float | None) -> str:
    """A time in microseconds with three significant digits at least."""
    if value is None:
        return NONE
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}{SPACE}µs"


def mean_std(mean: float, std: float) -> str:
    """``487.2 ± 12.0``"""
    return f"{mean:,.1f}{SPACE}±{SPACE}{std:,.1f}"


def size(bytes_: int) -> str:
    """A file's size."""
    return f"{bytes_:,}{SPACE}B" if bytes_ < 1000 else f"{bytes_ / 1000:,.1f}{SPACE}kB"


def shape(inputs: int, outputs: int) -> str:
    """A layer's width before and after, ``64 → 2``."""
    return f"{inputs}{SPACE}→{SPACE}{outputs}"


def bits(values: list[int]) -> str:
    """Bit widths of several layers: ``4``, or ``3–6`` where they differ."""
    if not values:
        return NONE
    return str(min(values)) if min(values) == max(values) else f"{min(values)}–{max(values)}"
