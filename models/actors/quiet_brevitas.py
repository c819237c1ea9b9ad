"""The parts of Brevitas that policies are made of, imported without remarks that tell a user nothing.

It is quiet only while this is imported: levels of loggers and filters of warnings stay the caller's.
"""
from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch says of a machine without a GPU's tools, and, once in a process, of tensors' names."""
    logger = logging.getLogger("torch.utils.cpp_extension")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.empty(0).rename(None)         # as Brevitas does in every forward
    finally:
        logger.setLevel(level)


with _quiet():
    import brevitas.nn as qnn
    from brevitas.core.scaling import ScalingImplType
    from brevitas.proxy.quant_proxy import QuantProxyFromInjector
    from brevitas.quant import Int8WeightPerChannelFloat, Int8WeightPerTensorFloat
    from brevitas.quant.scaled_int import Int8ActPerTensorFloatMinMaxInit, Uint8ActPerTensorFloatMaxInit

__all__ = ["Int8ActPerTensorFloatMinMaxInit", "Int8WeightPerChannelFloat", "Int8WeightPerTensorFloat",
           "QuantProxyFromInjector", "ScalingImplType", "Uint8ActPerTensorFloatMaxInit", "qnn"]
