"""The trained network as QONNX, and a run's policy package."""
from __future__ import annotations

import copy
import tempfile
import warnings
from pathlib import Path

import torch
from torch import nn

from models.actor import QuantActor


def qonnx_bytes(actor: QuantActor) -> bytes:
    """``actor`` as one self-contained, cleaned QONNX model: input float32 [1, n], normalised observations.

    It is exported from the Brevitas modules; every layer has a bias, so each Gemm has the three inputs that qonnx's
    ``GemmToMatMul`` needs.
    """
    from brevitas.export import export_qonnx
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.util.cleanup import cleanup_model

    network = nn.Sequential(*copy.deepcopy(actor)).eval()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "policy.onnx"
        export_qonnx(network, torch.zeros(1, actor.dims[0]), export_path=str(path), verbose=False)
        model = cleanup_model(ModelWrapper(str(path)))          # reads the weights that lie beside the model
    return bytes(model.model.SerializeToString())
