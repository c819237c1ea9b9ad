"""Post-training quantisation: a run folder with fewer bits from a finished fp32 run, without more training.

The method is QuaRL's (Krishnan et al., "QuaRL: Quantization for Fast and Environmentally Sustainable Reinforcement
Learning", 2022): weights by their range, activations by the range that they have on what the policy meets.
"""
from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from quarl.host.errors import UserError
from quarl.host.files import sha256, staged_folder, write_json
from quarl.models.actors.bits import Bits
from quarl.models.actors.quantisers import input_scale
from quarl.models.play.evaluate import evaluate
from quarl.models.process_state import process_state_kept
from quarl.models.ptq import analysis
from quarl.models.runs import run_folder
from quarl.models.runs.checkpoint import MODEL, Snapshot
from quarl.models.runs.run_folder import Run
from quarl.models.sb3.policies import convert
from quarl.models.tasks.spaces import is_pixels

METHODS = ("max", "percentile")
EPISODES = 20        # that the result is the mean of
SAMPLES = 2000       # observations to find the range of activations on
_SMALLEST = 1e-3     # limit of an activation that is never positive


@dataclasses.dataclass(frozen=True)
class PtqConfig:
    """What to quantise. ``bits`` None gives fp16: weights and arithmetic of the actor in float16.

    ``method`` says where the ranges of weights and of hidden activations end: at their ``max``, or at a
    ``percentile`` of their absolute values, beyond which they saturate.
    """

    source: Path
    out: Path
    bits: Bits | None
    method: str = "max"
    percentile: float = 99.9

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UserError("the method must be one of " + ", ".join(METHODS), self.method, "choose one with --method")
        if not 50 <= self.percentile <= 100:
            raise UserError("the percentile must be from 50 to 100", self.percentile, "choose another --percentile")

    def describe(self) -> dict[str, Any]:
        """What ``config.yaml`` holds: the source's settings, and what decides the rest. Raises :class:`UserError`."""
        source, integer = Path(self.source), self.bits is not None
        config = run_folder.read_config(source)
        if config["bits"] is not None or "ptq" in config:
            raise UserError("post-training quantisation must start from an fp32 run",
                            f"{run_folder.bits_of(config) or 'fp16'} in {source}",
                            "train one with `quarl train --fp32`")
        if run_folder.read_result(source) is None:
            raise UserError("the run must have finished training", f"no {run_folder.RESULT} in {source}",
                            "continue it by repeating its `quarl train` command")
        model = source / "train" / MODEL
        return {**config, "bits": self.bits.describe() if self.bits is not None else None,
                "ptq": {"source": str(source), "sha256": sha256(model.read_bytes()) if model.exists() else None,
                        "format": "int" if integer else "fp16", "method": self.method if integer else None,
                        "percentile": self.percentile if integer and self.method == "percentile" else None}}


def ptq(config: PtqConfig) -> dict[str, Any]:
    """Quantise as ``config`` says into the run folder ``config.out`` and return ``train/result.json``'s content.

    The result has the keys of a training's, and ``source_mean_return``, the fp32 policy's on the same episodes, and
    ``agreement``, the share of observations on which both act alike. ``train/analysis.json`` says where the loss is,
    but not of a policy of pixels. Repeating a configuration returns the result that is there. Raises
    :class:`UserError`.
    """
    description, out = config.describe(), Path(config.out)
    if (out / run_folder.CONFIG).exists():
        run_folder.require_same(run_folder.read_config(out), description, out)
        finished = run_folder.read_result(out)
        if finished is not None:
            return finished
    with process_state_kept(threads=1):
        return _quantise(config, description)


def _quantise(config: PtqConfig, description: dict[str, Any]) -> dict[str, Any]:
    out, started = Path(config.out), time.monotonic()
    source = run_folder.load_run(config.source)
    run = _quantised(source, config, description)
    pixels = is_pixels(run.model.observation_space)
    analysed = {} if pixels else analysis.analyse(run, source)
    result = _result(run, source, _agreement(run, source) if pixels else analysed["actions"]["agreement"], started)
    run_folder.write_config(out, description)
    with staged_folder(out / "train") as folder:
        Snapshot.take(run.model, run.normaliser).write(folder)
        if analysed:
            write_json(folder / analysis.FILE, analysed)
        write_json(folder / Path(run_folder.RESULT).name, result)
    return result


def activation_limits(network: nn.Sequential, observations: Tensor, percentile: float = 100.0) -> list[float]:
    """Where the activations of each hidden layer of an fp32 ``network`` end, on normalised ``observations`` [N, n]."""
    limits, x = [], observations
    with torch.no_grad():
        for layer in network:
            x = layer(x)
            if isinstance(layer, (nn.ReLU, nn.Tanh)):
                limits.append(max(float(np.percentile(x.cpu().numpy(), percentile)), _SMALLEST))
    return limits


def clip_weights(weights: Tensor, percentile: float, per_channel: bool) -> Tensor:
    """``weights`` [out, in, ...] clipped to the ``percentile`` of their absolute values, of all or of each row."""
    size, channel = weights.detach().abs().numpy(), tuple(range(1, weights.ndim))
    limit = np.percentile(size, percentile, axis=channel if per_channel else None, keepdims=True).astype(np.float32)
    return weights.detach().clamp(-torch.from_numpy(limit), torch.from_numpy(limit))


def _quantised(source: Run, config: PtqConfig, description: dict[str, Any]) -> Run:
    """The run that ``config.out`` will hold, from a second copy of the ``source``'s model and normaliser."""
    run = dataclasses.replace(run_folder.load_run(config.source), folder=Path(config.out), config=description,
                              result={})
    if config.bits is None:
        with torch.no_grad():
            for parameter in run.model.policy.deployed.parameters():
                parameter.copy_(parameter.half())
        return run
    percentile = config.percentile if config.method == "percentile" else 100.0
    seen = source.normaliser.normalize_obs(analysis.rollout_observations(source, SAMPLES))
    run.normaliser.input_scale = input_scale(config.bits.input)
    convert(run.model, config.bits, activation_limits(source.actor, torch.from_numpy(seen), percentile))
    with torch.no_grad():
        for layer in run.model.policy.deployed.linears:
            layer.weight.copy_(clip_weights(layer.weight, percentile, config.bits.per_channel))
    return run


@torch.no_grad()
def _agreement(run: Run, source: Run) -> float:
    """Share of frames that the ``source`` meets on which both act alike."""
    seen = torch.from_numpy(analysis.rollout_observations(source, analysis.SAMPLES, seed=1))
    found = [np.concatenate([actor(part.float()).numpy() for part in seen.split(100)])
             for actor in (source.actor, run.actor)]
    return analysis.agreement(run, *found)


def _result(run: Run, source: Run, agreement: float, started: float) -> dict[str, Any]:
    before, after = (evaluate(each, EPISODES, run.config["seed"]) for each in (source, run))
    target = run.config["settings"].get("target_return")
    return {"timesteps": source.result["timesteps"], "mean_return": float(after.mean()),
            "std_return": float(after.std()), "episodes": EPISODES, "seconds": round(time.monotonic() - started, 1),
            "trained_timesteps": source.result["trained_timesteps"], "target_return": target,
            "target_reached": target is not None and float(after.mean()) >= target,
            "source_mean_return": float(before.mean()), "agreement": agreement}
