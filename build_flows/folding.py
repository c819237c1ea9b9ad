from __future__ import annotations
import dataclasses
@dataclasses.dataclass(frozen=True)
class Folding:
    pe: int
    simd: int
