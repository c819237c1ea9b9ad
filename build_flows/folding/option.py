"""What ``--fold`` takes: a name, or the clock cycles that an action may take."""
from __future__ import annotations

from quarl.host.errors import UserError

FOLDS = ("min-area", "balanced", "min-latency")


def check_fold(option: str, fold: object) -> str:
    """``fold`` as text, if it is one. Raises :class:`UserError`."""
    if fold in FOLDS or (not isinstance(fold, bool) and str(fold).isdecimal() and int(str(fold)) > 0):
        return str(fold)
    raise UserError(f"{option} must be " + ", ".join(FOLDS) + " or the cycles that an action may take", fold,
                    "choose one of them, or pass for example 100")
