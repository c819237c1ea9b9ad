"""The trained network as QONNX, and a run's policy package."""
from __future__ import annotations

import contextlib
import copy
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from quarl.host import policy as package
from quarl.host.errors import UserError
from quarl.host.files import PathLike, scratch_folder
from quarl.host.policy import Policy
from quarl.host.versions import versions
from quarl.models.actors.convolutional import QuantConvActor
from quarl.models.actors.quantised import QuantActor
from quarl.models.export.integer_program import extract
from quarl.models.process_state import process_state_kept
from quarl.models.runs.run_folder import Run, load_run

# Whose versions decide a trained policy
TOOLS = ("torch", "brevitas", "qonnx", "stable-baselines3", "gymnasium", "numpy")


def qonnx_bytes(actor: QuantActor) -> bytes:
    """``actor`` as one self-contained, cleaned QONNX model: input float32 [1, n], normalised observations.

    Pixels, [1, channels, height, width], are float32 too, and annotated as UINT8. It is exported from the Brevitas
    modules. The exporter drops a bias that is all zero.
    """
    network = nn.Sequential(*copy.deepcopy(actor).cpu()).eval()
    # QONNX draws names from Python's random numbers.
    with scratch_folder("export") as folder, _quiet(), process_state_kept():
        from brevitas.export import export_qonnx
        from qonnx.core.datatype import DataType
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.util.cleanup import cleanup_model
        path = folder / "policy.onnx"
        export_qonnx(network, torch.zeros(1, *actor.input_shape), export_path=str(path), verbose=False)
        model = cleanup_model(ModelWrapper(str(path)))          # reads the weights that lie beside the model
        if isinstance(actor, QuantConvActor):
            model.set_tensor_datatype(model.graph.input[0].name, DataType["UINT8"])
    return bytes(model.model.SerializeToString())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks about its own internals."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def policy_of(run: Run) -> Policy:
    """The integer program of a finished quantised run. Raises :class:`UserError` for an fp32 run."""
    actor = run.actor
    if not isinstance(actor, QuantActor):
        kind = run.config.get("ptq", {}).get("format", "fp32")
        raise UserError("only a run quantised to integers can be exported", f"an {kind} run in {run.folder}",
                        "train without --fp32, or quantise it with `quarl ptq`; `quarl eval --backend torch` plays it "
                        "as it is")
    a, b = run.normaliser.fold()
    space = run.normaliser.observation_space
    provenance: dict[str, Any] = {"seed": run.config["seed"], "result": run.result,
                                  "versions": versions(TOOLS)}
    return extract(actor, a, b, space.shape, run.action, run.config["task"], run.config["algo"], provenance,
                   run.environment.record())


def export_run(folder: PathLike) -> Path:
    """Write the run's policy package to ``folder/policy`` and return that path. Raises :class:`UserError`."""
    run = load_run(folder)
    policy = policy_of(run)
    package.write(policy, run.folder / "policy", qonnx_bytes(run.actor))
    return run.folder / "policy"
