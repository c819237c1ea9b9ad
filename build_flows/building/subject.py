"""What is built and compared: a policy, its QONNX model, observations, and the torch actor's view of them."""
from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quarl.build_flows.building.ensure_package import ensure_package
from quarl.build_flows.estimate.shape import refuse_pixels
from quarl.host import policy as package
from quarl.host.content import Content
from quarl.host.policy import Policy

if TYPE_CHECKING:
    from quarl.models.actors.bits import Bits
    from quarl.models.actors.quantised import QuantActor

OBSERVATIONS = 12_000


@dataclasses.dataclass(frozen=True, eq=False)
class Subject(Content):
    """A policy and what it is compared on.

    ``observations`` are raw, float32 [N, features], the first ``visited`` of them from rollouts. ``torch_trace`` maps
    them to the deployed torch actor's accumulators and codes, layer by layer in turn.
    """

    policy: Policy
    onnx: Path
    observations: np.ndarray
    visited: int
    torch_trace: Callable[[np.ndarray], list[np.ndarray]]


def of_run(run: Path) -> Subject:
    """A trained run, exported if need be, with visited and random observations. Raises :class:`UserError`."""
    from quarl.models.play.observations import RANDOM_SHARE, visited_observations
    from quarl.models.runs.run_folder import load_run

    policy = ensure_package(run)
    refuse_pixels(policy)
    trained = load_run(run)
    actor: Any = trained.actor
    return Subject(policy, run / "policy" / "policy.onnx", visited_observations(trained, OBSERVATIONS),
                   OBSERVATIONS - round(OBSERVATIONS * RANDOM_SHARE),
                   lambda observations: _trace(actor, trained.normaliser.normalize_obs(observations)))


def random(dims: Sequence[int], bits: Bits, seed: int, folder: Path, observations: int = OBSERVATIONS,
           bias: float | None = None) -> Subject:
    """A randomly initialised policy, its package in ``folder``, and normal observations.

    ``bias`` is the standard deviation of the biases; with 0 all channels of a layer share their thresholds.
    """
    from quarl.models.export.random_policy import BIAS, random_actor, random_package

    bias = BIAS if bias is None else bias
    policy = package.read(random_package(dims, bits, seed, folder, bias))
    actor = random_actor(dims, bits, seed, bias)
    drawn = np.random.default_rng(seed).normal(size=(observations, dims[0])).astype(np.float32)
    # The package encodes an observation as rint(x / scale), which is the actor's own input quantiser.
    return Subject(policy, folder / "policy.onnx", drawn, 0, lambda x: _trace(actor, x))


def _trace(actor: QuantActor, normalised: np.ndarray) -> list[np.ndarray]:
    import torch
    steps = actor.trace(torch.from_numpy(np.ascontiguousarray(normalised, np.float32)))
    return [array.cpu().numpy() for step in steps for array in step if array is not None]
