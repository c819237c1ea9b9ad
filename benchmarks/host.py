"""The host's own share of a step, ours and that of FINN+'s driver, side by side in one run; and the CPU's baseline.

Drivers talk to a stand-in for the package pynq whose hardware answers at once, so that no device's time is in it.
"""
from __future__ import annotations

import contextlib
import functools
import json
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.chain import _row
from quarl.build_flows.building import subject
from quarl.host.accelerator import description, native, registers
from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.devices.finn_dma import FinnDmaDevice
from quarl.host.devices.integer import IntegerDevice
from quarl.host.devices.pynq import PynqDevice
from quarl.host.policy import ActionSpace, Policy, codec
from quarl.host.policy.integer import Reference, Steps, trace
from quarl.models.actors.bits import Bits
from quarl.models.actors.convolutional import QuantConvActor
from quarl.models.export.integer_program import extract
from quarl.models.export.random_policy import random_policy

_FINN_DRIVER = Path(sys.prefix) / "finn-driver"
_STEPS, _REPEATS = 200, 25


class _Buffer(np.ndarray):
    """What ``pynq.allocate`` returns."""

    device_address = 0

    def flush(self) -> None:
        """Nothing is cached."""

    invalidate = flush


def overhead() -> Iterator[dict[str, Any]]:
    """Encode, register traffic and decode of one observation, against FINN's execute of the same float32 array."""
    for features in (4, 17, 105, 376):
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            policy = subject.random((features, 64, 64, 2), Bits(4, 4, 8), 0, Path(folder) / "policy", 1).policy
            geometry = _describe(policy, Path(folder))
            stack.enter_context(mock.patch.dict(sys.modules, _pynq(policy, geometry)))
            stack.enter_context(mock.patch("os.geteuid", lambda: 0))
            stack.enter_context(mock.patch.object(sys, "path", [str(_FINN_DRIVER), *sys.path]))
            ours = stack.enter_context(PynqDevice(policy, folder))
            with mock.patch.object(native, "compiled", lambda: None):
                plain = stack.enter_context(PynqDevice(policy, folder))
            finn = stack.enter_context(FinnDmaDevice(policy, folder)).driver
            observation = np.random.default_rng(0).normal(size=features).astype(np.float32)
            codes = codec.encode(policy, observation)
            times = _times({"ours": functools.partial(ours.act, observation),
                            "python": functools.partial(plain.act, observation),
                            "finn": functools.partial(finn.execute, codes.astype(np.float32)),
                            "finn int8": functools.partial(finn.execute, codes)})
            for module in [name for name in sys.modules if name.startswith("finn_plus_driver")]:
                del sys.modules[module]         # its classes derive from this stand-in's
        ratio = statistics.median(a / b for a, b in zip(times["ours"], times["finn"], strict=True))
        unit = "x, %.1f us against %.0f; %.0f if FINN gets int8, %.1f ours without a compiler" % tuple(
            1e6 * statistics.median(times[name]) for name in ("ours", "finn", "finn int8", "python"))
        yield _row(f"host.overhead_vs_finn_driver_{features}", ratio, unit, "<= 0.1", ratio <= 0.1, 1.0)


def _describe(policy: Policy, folder: Path) -> Geometry:
    """The files of a build, with accumulators of 16 bits, which FINN's driver unpacks fastest."""
    features, outputs = policy.features, len(policy.layers[-1].weights)
    geometry = Geometry(Stream(features, 1, 8, 8), Stream(outputs, 1, 16, 16))
    description.write(description.Accelerator(policy.hash, policy.build_id, "pynq-z2", "rom", "balanced", 100.0,
                                              geometry, 92, 64.0), folder)
    (folder / "accel.bit").touch()
    shapes = {"idt": ["DataType['INT8']"], "odt": ["DataType['INT16']"], "idma_names": ["idma0"],
              "odma_names": ["odma0"], "num_inputs": 1, "num_outputs": 1, "number_of_external_weights": 0}
    for side, beats, size in (("i", features, 1), ("o", outputs, 2)):
        shapes.update({f"{side}shape_normal": [[1, beats]], f"{side}shape_folded": [[1, beats, 1]],
                       f"{side}shape_packed": [[1, beats, size]]})
    (folder / "settings.json").write_text(json.dumps({"driver_information": {
        "platform": "zynq-iodma", "io_shape_dict": shapes}}))
    return geometry


def _pynq(policy: Policy, geometry: Geometry) -> dict[str, types.ModuleType]:
    """The stand-in: registers in memory that say done, and DMAs that are done at once."""
    words = np.zeros(0x1000 // 4, np.uint32)
    size = geometry.action.frame_bytes << 16 | geometry.observation.frame_bytes
    for register, value in ((registers.ID, registers.ID_VALUE), (registers.VERSION, registers.VERSION_VALUE),
                            (registers.BUILD_ID, policy.build_id), (registers.GEOMETRY, size),
                            (registers.WAIT, registers.STATUS_DONE | registers.STATUS_AUTO_START)):
        words[register // 4] = value
    dma = types.SimpleNamespace(read=lambda offset: 6, write=lambda offset, value: None)

    class Overlay:
        def __init__(self, *_: Any, **__: Any):
            self.idma0, self.odma0, self.device = dma, dma, None

    pynq, processor = types.ModuleType("pynq"), types.ModuleType("pynq.ps")
    pynq.__dict__.update(Overlay=Overlay, Bitstream=None, MMIO=lambda base, length: types.SimpleNamespace(array=words),
                         allocate=lambda shape, dtype, **_: np.zeros(shape, dtype).view(_Buffer))
    processor.__dict__.update(Clocks=types.SimpleNamespace())
    return {"pynq": pynq, "pynq.ps": processor}


def _times(sides: dict[str, Callable[[], Any]], steps: int = _STEPS) -> dict[str, list[float]]:
    """Seconds of CPU a call of every side, in turns."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(_REPEATS + 1):
        for name, call in sides.items():
            start = time.process_time()
            for _ in range(steps):
                call()
            if repeat:          # the first one warms up
                times[name].append((time.process_time() - start) / steps)
    return times


def integer() -> Iterator[dict[str, Any]]:
    """A step on the processor, observation to action: in C, in numpy; its layers with the policy made ready anew."""
    for name, policy in _subjects():
        rng = np.random.default_rng(0)
        seen = (rng.integers(0, 256, (64, *policy.observation_shape)).astype(np.uint8) if policy.pixels
                else rng.normal(size=(64, *policy.observation_shape)).astype(np.float32))
        codes, steps = codec.encode(policy, seen), 10 if policy.pixels else _STEPS
        with IntegerDevice(policy) as ours, mock.patch.object(native, "compiled", lambda: None), \
                IntegerDevice(policy) as plain:
            times = _times({"c": functools.partial(ours.act, seen[0]), "numpy": functools.partial(plain.act, seen[0]),
                            "kept": functools.partial(trace, policy, codes[:1]),
                            "anew": functools.partial(_anew, policy, codes[:1])}, steps)
            many = _times({"c": functools.partial(ours.step_many, codes),
                           "numpy": functools.partial(plain.step_many, codes)}, max(1, steps // 10))
        c, numpy, kept, anew = (1e6 * statistics.median(times[side]) for side in ("c", "numpy", "kept", "anew"))
        batch = tuple(1e6 * statistics.median(many[side]) for side in ("c", "numpy"))
        ratio = statistics.median(a / b for a, b in zip(times["numpy"], times["c"], strict=True))
        unit = "x as fast as numpy, %.1f us against %.1f; a batch of 64 %.0f against %.0f" % (c, numpy, *batch)
        yield _row(f"host.integer_c_{name}", ratio, unit, ">= 1", ratio >= 1, 1.0)
        ratio = statistics.median(a / b for a, b in zip(times["anew"], times["kept"], strict=True))
        unit = "x as fast as with the policy made ready at each inference, %.1f us against %.1f" % (kept, anew)
        yield _row(f"host.integer_numpy_{name}", ratio, unit, ">= 1.5", ratio >= 1.5, 1.0)


def _anew(policy: Policy, codes: np.ndarray) -> Steps:
    """The layers as if nothing of the policy were kept."""
    return Reference(policy).trace(codes)


def _subjects() -> Iterator[tuple[str, Policy]]:
    """Random policies of 4 bits: a small one, a large one, and one of Nature-DQN's layers for pixels."""
    for dims in ((4, 64, 64, 2), (17, 256, 256, 6)):
        yield "_".join(map(str, dims)), random_policy(dims, Bits(4, 4, 8), 0)[1]
    shape, empty = (4, 84, 84), np.empty(0, np.float32)
    actor = QuantConvActor(shape, ((32, 8, 4), (64, 4, 2), (64, 3, 1)), (512, 6), Bits(4, 4, 8)).eval()
    yield "pixels", extract(actor, empty, empty, shape, ActionSpace("discrete", 6), "random", "random", {})
