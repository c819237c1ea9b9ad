"""What FINN's width converter takes (its vpc.sv), which stands where beats of two widths meet, on every engine."""
from __future__ import annotations

import math

FEATURES = ("converters", "converter places", "converter bits", "rotated bits")


def converter(before: int, after: int) -> dict[str, float]:
    """Look-up tables by :data:`FEATURES`, and ``flip-flops``, from beats of so many bits to beats of others.

    A register holds every bit of both beats. A shorter beat before finds its place by its turn; one that does not
    divide the other is rotated besides.
    """
    step = math.gcd(before, after)
    taken, given = before // step, after // step
    rotates = given % taken > 0
    return {"converters": 1, "converter places": taken + given, "converter bits": before,
            "rotated bits": rotates * before * -(-2 * taken // 4),
            "flip-flops": before + after + taken + given + max(taken, given).bit_length() + 1
            + rotates * ((taken - 1).bit_length() + 1)}
