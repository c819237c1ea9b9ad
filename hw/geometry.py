"""How an inference's codes and accumulators lie in the beats of the accelerator's two streams."""
from __future__ import annotations

from dataclasses import asdict, dataclass

from host.errors import UserError

# Sizes of the bridge's register windows (see host/registers.py).
MAX_OBSERVATION_BYTES = 65535       # the GEOMETRY register has 16 bits for each side
MAX_ACTION_BYTES = 0x400 - 0x100


@dataclass(frozen=True)
class Geometry:
    """Widths in bits. Field ``i`` of a beat lies at bits ``i * bits``, the rest of a beat is padding."""

    in_width: int          # of an observation beat, a multiple of 8
    in_beats: int          # per inference
    codes_per_beat: int    # SIMD of the first layer
    code_bits: int         # two's complement when the codes are signed
    out_width: int         # of an action beat, a multiple of 8
    out_beats: int
    accs_per_beat: int     # PE of the last layer
    acc_bits: int          # two's complement

    def __post_init__(self) -> None:
        for side, width, field in (("in", self.in_width, self.codes_per_beat * self.code_bits),
                                   ("out", self.out_width, self.accs_per_beat * self.acc_bits)):
            if width % 8 or width < field or field < 1:
                raise UserError(f"a beat ({side}_width) must be whole bytes and hold its fields of {field} bits",
                                f"{width} bits", "take the stream's padded width from the first or last node")
        for what, size, most in (("observation", self.obs_bytes, MAX_OBSERVATION_BYTES),
                                 ("action", self.act_bytes, MAX_ACTION_BYTES)):
            if not 0 < size <= most:
                raise UserError(f"the bridge takes an {what} of 1 to {most} bytes", f"{size} bytes",
                                f"use fewer or narrower {what} values, or more of them in a beat")

    @property
    def obs_bytes(self) -> int:
        """Bytes of one packed observation, all beats."""
        return self.in_beats * self.in_width // 8

    @property
    def act_bytes(self) -> int:
        """Bytes of one packed action, all beats."""
        return self.out_beats * self.out_width // 8

    def to_dict(self) -> dict[str, int]:
        """The fields, for accel.json; ``Geometry(**d)`` brings them back."""
        return asdict(self)
