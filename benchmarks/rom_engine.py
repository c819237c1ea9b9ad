"""The compute unit against FINN's streamed one: LUTs and flip-flops, latency, clock, and the time that tools take.

Random networks with trained-like weights, 8-bit input. "shared": without biases, so all channels of a layer have the
same thresholds; "per channel": with biases, as training leaves them. The streamed engine is `lut`, so that neither uses
a DSP slice.
"""
from __future__ import annotations

import contextlib
import io
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.chain import _row
from quarl.build_flows.building import flow, subject
from quarl.build_flows.building.options import Options
from quarl.build_flows.building.subject import Subject
from quarl.build_flows.estimate.shape import Folding, shapes
from quarl.build_flows.folding import planning
from quarl.build_flows.lowering import describe_nodes
from quarl.build_flows.lowering.lower import lower
from quarl.build_flows.lowering.session import finn_session
from quarl.hw.boards import board
from quarl.hw.emulation.emulator import build_emulator
from quarl.hw.engines.mvtu.design import SMALL, Style
from quarl.hw.engines.registry import ENGINES
from quarl.hw.place_and_route.ecp5 import place_and_route
from quarl.hw.shell.shell import write_shell
from quarl.hw.stitching.stitch import stitch
from quarl.hw.synthesis.count import synthesise
from quarl.models.actors.bits import Bits

_DIMS = (8, 64, 64, 4)
_FOLDING = (Folding(4, 8),) * 3
# Standard deviation of the biases, and the most per cent of the streamed engine's LUT + FF and LUT.
_BIASES = {"shared": (0.0, 30, 60), "per channel": (0.3, 40, 75)}


@contextlib.contextmanager
def _stitched(what: Subject, engine: str, layers: Sequence[Folding],
              style: Style = SMALL) -> Iterator[tuple[Path, Any]]:
    """The RTL folder, with its shell, and the geometry of a policy on an engine with a given folding."""
    chip = board("pynq-z2")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with finn_session(folder / "finn"):
            lowered = lower(what.policy, what.onnx, layers, chip, folder / "finn", engine, style)
            stitch(describe_nodes.describe(lowered.rtl), folder / "rtl", replace=ENGINES[engine].replaces)
        write_shell(lowered.geometry, what.policy.build_id, folder / "rtl")
        yield folder / "rtl", lowered.geometry


def area() -> Iterator[dict[str, Any]]:
    """8-64-64-4 at PE 4, SIMD 8: our unit's LUT + FF and LUT as shares of the streamed engine's."""
    for bits in (2, 3, 4, 6, 8):
        for name, (bias, both, luts) in _BIASES.items():
            totals = {}
            for engine in ("rom", "lut"):
                with tempfile.TemporaryDirectory() as folder:
                    what = subject.random(_DIMS, Bits(bits, bits, 8), 0, Path(folder), 10, bias=bias)
                    with _stitched(what, engine, _FOLDING) as (rtl, _):
                        totals[engine] = synthesise(rtl, "accel", engine, board("pynq-z2"))["total"]
            ours, streamed = totals["rom"], totals["lut"]
            for what_for, keys, most in (("lut_ff", ("lut", "ff"), both), ("lut", ("lut",), luts)):
                value, base = (sum(total[key] for key in keys) for total in (ours, streamed))
                share = 100 * value / base
                yield _row(f"hw.rom_{what_for}_w{bits}_{name.replace(' ', '_')}", share,
                           f"% of the streamed engine's {base:.0f} {' + '.join(keys).upper()} ({value:.0f})",
                           f"<= {most}", share <= most)


def latency_w4() -> Iterator[dict[str, Any]]:
    """8-64-64-4 at 4 bits."""
    return _latency((8, 64, 64, 4), 4, 12, 4, 70)


def latency_w2() -> Iterator[dict[str, Any]]:
    """8-64-64-4 at 2 bits, fully unrolled."""
    return _latency((8, 64, 64, 4), 2, 8, 1, 30)


def latency_cartpole() -> Iterator[dict[str, Any]]:
    """4-64-64-2 at 3 bits."""
    return _latency((4, 64, 64, 2), 3, 10, None, 70)


def _latency(dims: tuple[int, ...], bits: int, cycles: int, interval: int | None,
             percent: int) -> Iterator[dict[str, Any]]:
    """The smallest design that is so fast: cycles from the offer of the first input beat to the last output."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        what = subject.random(dims, Bits(bits, bits, 8), 0, Path(folder) / "policy")
        plan = next(plan for plan in planning.frontier(shapes(what.policy), "rom", board("pynq-z2"), percent)
                    if plan.stream_latency <= cycles and plan.interval <= (interval or plan.interval))
        with mock.patch.object(planning, "choose", lambda *_, plan=plan: plan):
            result = flow.build(what, Options(target="synth", max_lut_percent=percent), Path(folder) / "accel")
    name = f"build_flows.rom_{'_'.join(map(str, dims))}_w{bits}"
    timing, share = result["timing"], result["synth"]["percent"]["lut"]
    yield _row(f"{name}_latency", timing["stream_latency_cycles"], "cycles, first input beat to last output",
               f"<= {cycles}", timing["stream_latency_cycles"] <= cycles)
    if interval is not None:
        yield _row(f"{name}_interval", timing["interval_cycles"], "cycles", f"<= {interval}",
                   timing["interval_cycles"] <= interval)
    yield _row(f"{name}_lut", share, "% of the PYNQ-Z2's LUTs, bridge included", f"<= {percent}", share <= percent)


def clock() -> Iterator[dict[str, Any]]:
    """Place and route for an ECP5: the frequency, and the path that limits it."""
    for name, layers, timing, least in (
            ("pe4_simd8", _FOLDING, "fast-clock", 110),
            ("12_cycles", (Folding(16, 8), Folding(64, 16), Folding(4, 64)), "balanced", 80)):
        with tempfile.TemporaryDirectory() as folder:
            what = subject.random(_DIMS, Bits(4, 4, 8), 0, Path(folder), 10)
            with _stitched(what, "rom", layers, Style(timing)) as (rtl, _):
                result = place_and_route(rtl, "accel")
        path = " -> ".join(dict.fromkeys(step["instance"].split(".unit.")[-1] for step in result["path"]))
        yield _row(f"hw.rom_clock_w4_{name}", result["mhz"],
                   f"MHz on an ECP5 without the bridge, timing {timing}; critical path {path}", f">= {least}",
                   result["mhz"] >= least)


def tools() -> Iterator[dict[str, Any]]:
    """Seconds that synthesis and the emulator's compilation take at PE 4, SIMD 8, with nothing cached."""
    with tempfile.TemporaryDirectory() as folder:
        what = subject.random(_DIMS, Bits(4, 4, 8), 1, Path(folder), 10)
        with _stitched(what, "rom", _FOLDING) as (rtl, geometry), _empty_cache() as place:
            start = time.perf_counter()
            synthesise(rtl, "accel", "rom", board("pynq-z2"))
            seconds = time.perf_counter() - start
            yield _row("hw.rom_synthesis_time", seconds, "s, 8-64-64-4 at 4 bits, PE 4, SIMD 8", "<= 60", seconds <= 60)
            start = time.perf_counter()
            build_emulator(rtl, geometry, place)
            seconds = time.perf_counter() - start
            yield _row("hw.rom_emulator_build_time", seconds, "s, the same", "<= 30", seconds <= 30)


@contextlib.contextmanager
def _empty_cache() -> Iterator[Path]:
    """A folder, in which the cache is meanwhile."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, QUARL_CACHE=folder):
        yield Path(folder)
