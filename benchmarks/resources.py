"""The resource and latency model against synthesis and the emulated RTL, on designs that it was not fitted to.

The figures are those of ``build_flows/calibration/measured.csv``: nothing is synthesised here.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.chain import _row
from quarl.build_flows.calibration import table
from quarl.build_flows.calibration.compare import Compared, compare, spread
from quarl.build_flows.calibration.designs import HELD_OUT
from quarl.build_flows.estimate.models import MODELS

_MEDIAN, _WORST, _DESIGNS = 10, 30, 30


def model() -> Iterator[dict[str, Any]]:
    """LUTs, flip-flops, DSPs, BRAMs and cycles as estimated; FINN's own estimate of the LUTs beside ours."""
    compared = [compare(rows) for rows in table.read().values()]
    held_out = [one for one in compared if one.rows[0].design.role == HELD_OUT]
    yield from _luts("", held_out, _DESIGNS)
    for engine in MODELS:
        yield from _luts(f"_{engine}", [one for one in held_out if one.rows[0].design.engine == engine], 1)
    median, worst = (100 * size for size in spread(one.estimated["ff"] / one.measured["ff"] - 1 for one in held_out))
    yield _row("build_flows.ff_model", median, f"% median error of the flip-flops; largest {worst:.1f}",
               f"<= {_MEDIAN}", median <= _MEDIAN)
    for kind in ("dsp", "bram36"):
        yield _exact(f"{kind}_model", [one.estimated[kind] == one.measured[kind] for one in held_out],
                     "with exactly as many as estimated")
    emulated = [one for one in compared if one.rows[0].latency is not None]
    yield _exact("cycle_model", [one.cycles_are_exact for one in emulated], "with exactly the latency and interval")


def _luts(name: str, designs: Sequence[Compared], least: int) -> Iterator[dict[str, Any]]:
    ours = [100 * size for size in spread(one.error() for one in designs)]
    finns = [100 * size for size in spread(one.error(one.finn["finn_lut"]) for one in designs)]
    hls = [100 * size for size in spread(one.error(one.finn["finn_hls_lut"]) for one in designs)]
    for which, index, limit in (("median", 0, _MEDIAN), ("worst", 1, _WORST)):
        yield _row(f"build_flows.lut_model{name}_{which}", ours[index],
                   f"% {which} error of {len(designs)} designs' LUTs; baseline: FINN's estimate of its RTL nodes "
                   f"(with its formula for HLS units {hls[index]:.0f})", f"<= {limit} on {least} or more",
                   ours[index] <= limit and len(designs) >= least, finns[index])


def _exact(name: str, verdicts: Sequence[bool], what: str) -> dict[str, Any]:
    return _row(f"build_flows.{name}", sum(verdicts), f"of {len(verdicts)} designs {what}", f"= {len(verdicts)}",
                all(verdicts))
