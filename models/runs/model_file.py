"""A model as ``model.zip``: Stable-Baselines3's archive, of which we load tensors and numbers alone.

Stable-Baselines3 keeps a model's attributes as pickles, in ``data``; whoever loads the archive with its ``load`` runs
whatever these hold. We never read them: a model is made anew of the run's ``config.yaml``, and gets its parameters and
its optimisers' states, which torch reads with ``weights_only``, and the values of ``state.json``, which we add.
"""
from __future__ import annotations

import collections
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from quarl.models.actors.bits import Bits
from quarl.models.sb3 import algorithms
from quarl.models.tasks.normalise import FoldedVecNormalize

_STATE, _TENSORS = "state.json", "pytorch_variables.pth"
# What a training that goes on needs of a model beside its tensors; each algorithm has some of them.
_VALUES = ("num_timesteps", "_episode_num", "_n_updates", "_n_calls", "exploration_rate", "_current_progress_remaining")


def dump(model: BaseAlgorithm) -> bytes:
    """The archive's bytes."""
    bits = model.policy.bits
    state = {"bits": None if bits is None else bits.describe(),
             "values": {name: getattr(model, name) for name in _VALUES if hasattr(model, name)},
             # Of the last episodes, for the log's means.
             "episodes": [{key: float(each[key]) for key in ("r", "l", "t")} for each in model.ep_info_buffer or ()],
             "successes": list(map(float, model.ep_success_buffer or ()))}
    buffer = io.BytesIO()
    model.save(buffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(_STATE, json.dumps(state))
    return buffer.getvalue()


def load(data: bytes, config: Mapping[str, Any], normaliser: FoldedVecNormalize, device: str) -> BaseAlgorithm:
    """The model that :func:`dump` wrote, in the environments of ``normaliser``, of a run with the settings ``config``.

    It runs nothing that ``data`` holds. What is not of :func:`dump`, or of another ``config``, can raise anything.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        state = json.loads(archive.read(_STATE))
        bits = None if state["bits"] is None else Bits(**state["bits"])
        model = algorithms.create(config["algo"], config["settings"], normaliser, bits, config["seed"], device,
                                  config.get("precision", "fp32"))
        modules, tensors = model._get_torch_save_params()
        model.set_parameters({name: _read(archive, f"{name}.pth", model.device) for name in modules})
        saved = _read(archive, _TENSORS, model.device) if tensors else {}
    with torch.no_grad():
        for name in tensors:
            getattr(model, name).copy_(saved[name])
    for name in _VALUES:
        if hasattr(model, name):
            setattr(model, name, _number(state["values"][name]))
    recent = model._stats_window_size
    model.ep_info_buffer = collections.deque(state["episodes"], recent)
    model.ep_success_buffer = collections.deque(state["successes"], recent)
    return model


def _read(archive: zipfile.ZipFile, name: str, device: torch.device) -> Any:
    return torch.load(io.BytesIO(archive.read(name)), map_location=device, weights_only=True)


def _number(value: Any) -> int | float:
    if not isinstance(value, (int, float)):
        raise ValueError(f"{value!r} for a number")
    return value
