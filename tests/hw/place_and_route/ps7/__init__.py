"""The bench of the whole plain top: its PS7 is a master that Python plays."""
from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from quarl.host.accelerator.geometry import Geometry
from tests.hw.cocotb_bench import Bench

FRAMES = "frames.json"      # packed observations and actions, for the bench in its working folder


def wrong_inferences(rtl: Path, geometry: Geometry, sources: Sequence[Path], codes: np.ndarray, expected: np.ndarray,
                     work: Path) -> str:
    """What is wrong with the top made of ``sources``, whose memory images are in ``rtl``: "" if nothing is.

    It is given codes [N, features] and has to answer with accumulators [N, out].
    """
    work.mkdir()
    for image in rtl.glob("*.dat"):
        shutil.copy(image, work)
    pairs = zip(geometry.observation.pack(codes), geometry.action.pack(expected), strict=True)
    (work / FRAMES).write_text(json.dumps([[row.tobytes().hex() for row in pair] for pair in pairs]))
    here = Path(__file__).parent
    bench = Bench(__name__, here, (*sources, here.parent / "rtl" / "ps7.sv"), ())
    return bench.failures(bench.simulate({}, work, effort=len(codes)))
