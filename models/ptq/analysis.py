"""How quantisation changes the numbers of a policy, tensor by tensor, and what that does to its actions.

It tests QuaRL's explanation of what post-training quantisation loses (Krishnan et al., 2022): the wider a distribution
is for its deviation, the coarser a uniform quantiser renders it. For weights w of deviation s, quantised to whole
multiples of max|w| / L, the noise is about (max|w| / L)**2 / 12, thus the signal to noise 12 * (L / spread)**2 with
``spread = max|w| / s``.
"""
from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from quarl.host.content import Content
from quarl.host.files import PathLike, write_json
from quarl.host.policy import codec
from quarl.models.actors.quantised import QuantActor
from quarl.models.export.integer_program import head
from quarl.models.play.observations import RANDOM_SHARE, visited_observations
from quarl.models.runs.run_folder import Run, load_run

FILE = "analysis.json"
BINS = 64
SAMPLES = 2000
CLOSE = 0.05      # actions of a Box agree if they differ by no more of the range that they have

Layers = list[tuple[np.ndarray, np.ndarray]]      # weights float32 [out, in] and bias float32 [out]
Round = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Tensor(Content):
    """What one quantiser rounds: values before and after, equally many, and the share of codes at an end, if any.

    ``alone`` are the fp32 network's outputs [N, out] with this quantiser and no other.
    """

    layer: int
    kind: str
    before: np.ndarray
    after: np.ndarray
    saturated: float | None
    alone: np.ndarray

    @property
    def sqnr_db(self) -> float | None:
        """Signal to quantisation noise."""
        return sqnr_db(self.before, self.after)


def ensure_analysis(folder: PathLike) -> Path | None:
    """Write ``train/analysis.json`` of a finished run unless it is there; its path, or None for an fp32 run.

    Raises :class:`UserError` for a folder that is no finished run.
    """
    path = Path(folder) / "train" / FILE
    if not path.exists():
        run = load_run(folder)
        if not isinstance(run.actor, QuantActor):
            return None
        write_json(path, analyse(run))
    return path


def rollout_observations(run: Run, n: int, seed: int = 0) -> np.ndarray:
    """``n`` raw observations from rollouts, float32 [n, features]: the visited ones without the random ones."""
    return visited_observations(run, round(n / (1 - RANDOM_SHARE)), seed)[:n]


def analyse(run: Run, source: Run | None = None) -> dict[str, Any]:
    """What quantisation does to ``run``, compared with the fp32 ``source``, or with its own weights unquantised.

    ``tensors`` has each layer's inputs (layer 0) or activations and weights: range, statistics and histogram before
    and after, error, the share of saturated codes, and what becomes of outputs and actions if only it is quantised.
    ``actions`` compares the actions of the whole. ``relation`` ranks spread against error, for weights and for
    activations. Observations are of rollouts with ``source``, others than those that it was calibrated on.
    """
    before = _float_layers((source or run).actor)
    x = run.normaliser.normalize_obs(rollout_observations(source or run, SAMPLES, seed=1))
    reference, (outputs, tensors) = _forward(before, x)[-1], _tensors(run.actor, before, x)

    def compared(found: np.ndarray) -> dict[str, Any]:
        return {"agreement": agreement(run, reference, found), "sqnr_db": sqnr_db(reference, found)}

    return {"before": "fp32 run" if source is not None else "its own weights, unquantised",
            "observations": len(x),
            "actions": {"kind": run.action.kind, **compared(outputs)},
            "tensors": [{"layer": t.layer, "kind": t.kind, "size": int(t.before.size), **_distribution(t),
                         "sqnr_db": t.sqnr_db, "saturated": t.saturated, "alone": compared(t.alone)} for t in tensors],
            "relation": {kind: _relation([t for t in tensors if t.kind == kind], reference)
                         for kind in ("weights", "activations")}}


def statistics(values: np.ndarray) -> dict[str, float | None]:
    """Least, largest, mean, deviation, ``spread`` (largest absolute value in deviations), excess kurtosis, zeros."""
    x = np.asarray(values, np.float64).ravel()
    mean, std = x.mean(), x.std()
    varies = std > 0
    return {"min": float(x.min()), "max": float(x.max()), "mean": float(mean), "std": float(std),
            "spread": float(np.abs(x).max() / std) if varies else None,
            "kurtosis": float((((x - mean) / std) ** 4).mean() - 3) if varies else None,
            "zeros": float((x == 0).mean())}


def sqnr_db(before: np.ndarray, after: np.ndarray) -> float | None:
    """Power of ``before`` over that of its difference to ``after``, in dB; None where either is 0."""
    signal = float((np.asarray(before, np.float64) ** 2).sum())
    noise = float(((np.asarray(before, np.float64) - after) ** 2).sum())
    return float(10 * np.log10(signal / noise)) if signal > 0 and noise > 0 else None


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's, from -1 to 1, for values without ties; None for fewer than three pairs."""
    if len(a) < 3:
        return None
    return float(np.corrcoef(np.argsort(np.argsort(a)), np.argsort(np.argsort(b)))[0, 1])


def _float_layers(network: nn.Sequential) -> Layers:
    layers = network.linears if isinstance(network, QuantActor) else [m for m in network if isinstance(m, nn.Linear)]
    return [(m.weight.detach().numpy(), m.bias.detach().numpy()) for m in layers]


def _forward(layers: Layers, x: np.ndarray, at: int = -1, rounded: Round | None = None) -> list[np.ndarray]:
    """What each of the fp32 ``layers`` reads, and last the outputs; what layer ``at`` reads is ``rounded``."""
    steps = [x]
    for index, (weights, bias) in enumerate(layers):
        if index:
            steps[-1] = np.maximum(steps[-1], 0)
        if index == at and rounded is not None:
            steps[-1] = rounded(steps[-1])
        steps.append(steps[-1] @ weights.T + bias)
    return steps


def _tensors(actor: nn.Sequential, before: Layers, x: np.ndarray) -> tuple[np.ndarray, list[Tensor]]:
    """The outputs [N, out] of the quantised ``actor``, and what each of its quantisers rounds, in order."""
    read = _forward(before, x)
    parts = _integer_parts(actor, x) if isinstance(actor, QuantActor) else _half_parts(actor, x)
    tensors = []
    for index, (weights, fixed, after, rounded, ends) in enumerate(parts):
        changed = [*before[:index], (weights, before[index][1]), *before[index + 1:]]
        tensors += [Tensor(index, "activations" if index else "inputs", read[index], after, ends,
                           _forward(before, x, index, rounded)[-1]),
                    Tensor(index, "weights", before[index][0], weights, fixed, _forward(changed, x)[-1])]
    with torch.no_grad():
        return actor(torch.from_numpy(x)).numpy(), tensors


# Per layer: weights as they are deployed, the share of saturated ones, what the deployed layer reads, the quantiser of
# what it reads, and the share of saturated codes.
_Part = tuple[np.ndarray, float | None, np.ndarray, Round, float | None]


def _integer_parts(actor: QuantActor, x: np.ndarray) -> list[_Part]:
    parts: list[_Part] = []
    inputs = torch.from_numpy(x)
    hidden = [codes.numpy() for _, codes in actor.trace(inputs) if codes is not None]
    codes, scale, low, high = actor.encode(inputs).numpy(), np.float32(actor.input_scale), *_input_range(actor)
    widths = actor.bits.weights(len(actor.linears))
    with torch.no_grad():
        for stage, layer, width, after in itertools.zip_longest(actor.stages(), actor.linears, widths, hidden):
            levels = 2 ** (width - 1) - 1
            weights = layer.quant_weight().value.numpy()
            ends = float((codes == high).mean() + (low < 0) * (codes == low).mean())
            parts.append((weights, float((stage.weights.abs() == levels).float().mean()), codes * scale,
                          _rounding(scale, low, high), ends))
            if after is not None:
                codes, scale, low, high = after, stage.act_scale.numpy(), 0.0, stage.act_max
    return parts


def _input_range(actor: QuantActor) -> tuple[float, float]:
    top = 2 ** (actor.bits.input - 1)
    return float(-top), float(top - 1)


def _rounding(scale: Any, low: float, high: float) -> Round:
    return lambda values: np.clip(np.rint(values / scale), low, high) * scale


def _half_parts(actor: nn.Sequential, x: np.ndarray) -> list[_Part]:
    parts: list[_Part] = []
    values = torch.from_numpy(x).half()
    with torch.no_grad():
        for module in actor:
            if isinstance(module, nn.Linear):
                parts.append((module.weight.float().numpy(), None, values.float().numpy(),
                              lambda v: v.astype(np.float16).astype(np.float32), None))
            values = module(values)
    return parts


def _distribution(tensor: Tensor) -> dict[str, Any]:
    """Statistics before and after, and both histograms over one range."""
    low = float(min(tensor.before.min(), tensor.after.min()))
    high = float(max(tensor.before.max(), tensor.after.max()))
    if low == high:
        low, high = low - 0.5, high + 0.5
    return {"range": [low, high], **{
        name: {**statistics(values), "histogram": np.histogram(values, BINS, (low, high))[0].tolist()}
        for name, values in (("before", tensor.before), ("after", tensor.after))}}


def agreement(run: Run, expected: np.ndarray, found: np.ndarray) -> float:
    """Share of observations with equal actions, or in a Box with close ones, from float outputs [N, out]."""
    which = head(run.config["algo"], run.action)
    ours, theirs = (codec.act(which, run.action, values) for values in (expected, found))
    if run.action.kind == "discrete":
        return float((ours == theirs).mean())
    return float((np.abs(ours - theirs) <= CLOSE * np.ptp(ours, axis=0)).all(axis=1).mean())


def _relation(tensors: list[Tensor], reference: np.ndarray) -> dict[str, Any]:
    """Spread before, error, and the error of the outputs if only this is quantised, of tensors of one kind.

    ``rank_correlation`` is of the spread with each error; QuaRL's explanation has it near -1.
    """
    known = [(t, statistics(t.before)["spread"], t.sqnr_db, sqnr_db(reference, t.alone)) for t in tensors]
    rows = [(t.layer, spread, own, outputs) for t, spread, own, outputs in known
            if spread is not None and own is not None and outputs is not None]
    spreads, own, outputs = ([row[i] for row in rows] for i in (1, 2, 3))
    return {"layers": [row[0] for row in rows], "spread": spreads, "sqnr_db": own, "outputs_sqnr_db": outputs,
            "rank_correlation": {"sqnr_db": rank_correlation(spreads, own),
                                 "outputs_sqnr_db": rank_correlation(spreads, outputs)}}
