"""The sizes of the hidden layers, as a setting has them."""
from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

from quarl.host.errors import UserError

_CRITIC = {"ppo": "vf", "a2c": "vf", "ddpg": "qf", "td3": "qf", "sac": "qf"}
WIDEST = 2 ** 16


def architecture(algo: str, value: Any, fix: str) -> Any:
    """``net_arch`` as ``config.yaml`` holds it: ``[64, 64]``, ``{pi: […], qf: […]}`` with the critic's name.

    That of pixels, ``{conv: …, dense: …}``, is left to their policy to check. Raises :class:`UserError` with ``fix``.
    """
    if isinstance(value, Mapping) and {"conv", "dense"} & set(value):
        return dict(value)
    critic = _CRITIC.get(algo)
    rule = f"the setting net_arch must be the sizes of the hidden layers, whole numbers from 1 to {WIDEST}, as [64, 64]"
    if critic is not None:
        rule += f", or {{pi: [64, 64], {critic}: [64, 64]}} of actor and critic"
    if isinstance(value, Mapping) and critic is not None and set(value) == {"pi", critic}:
        parts = {name: _sizes(each) for name, each in value.items()}
        if None not in parts.values():
            return parts
    elif (sizes := _sizes(value)) is not None:
        return sizes
    raise UserError(rule, value, fix)


def _sizes(value: Any) -> list[int] | None:
    """``value`` as a list of sizes, None where it is none."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    fit = all(isinstance(each, numbers.Integral) and not isinstance(each, bool) and 1 <= int(each) <= WIDEST
              for each in value)
    return list(map(int, value)) if fit else None
