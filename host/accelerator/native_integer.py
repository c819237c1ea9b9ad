"""The integer program in C, for the processor: bit for bit what :mod:`quarl.host.policy.integer` computes in numpy."""
from __future__ import annotations

import ctypes
from typing import Any, Callable, List, Optional, Tuple

import numpy as np

from quarl.host.accelerator.native import Native
from quarl.host.policy import Layer, Policy

Shape = Tuple[int, int, int]           # channels, height, width

_LANES, _CHANNELS = 16, 4              # weights of a row and rows are padded to multiples of these


class _Layer(ctypes.Structure):
    """``struct layer``."""

    _fields_ = [*((name, ctypes.c_void_p) for name in ("weights", "thresholds")),
                *((name, ctypes.c_int32) for name in ("outputs", "row", "bits", "channels", "height", "width",
                                                      "kernel_height", "kernel_width", "stride"))]


class _Program(ctypes.Structure):
    """``struct program``."""

    _fields_ = [("layers", ctypes.c_void_p),
                *((name, ctypes.c_int32) for name in ("depth", "features", "outputs", "is_signed")),
                *((name, ctypes.c_void_p) for name in ("codes", "next", "window"))]


class _Play(ctypes.Structure):
    """``struct play``."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("encoder", "program", "decoder", "accumulators")]


class Program:
    """The integer program of a policy, for one thread at a time."""

    def __init__(self, native: Native):
        self._native, policy = native, native.policy
        self._layers, self._memory = _layers(policy)
        size = max(layer.channels * layer.height * layer.width for layer in self._layers)
        buffers = [np.zeros(count, np.int16) for count in (size, size, max(layer.row for layer in self._layers))]
        self._outputs = len(policy.layers[-1].weights)
        self._program = _Program(ctypes.addressof(self._layers), len(self._layers), policy.features, self._outputs,
                                 not policy.pixels, *(buffer.ctypes.data for buffer in buffers))
        self._memory += buffers                 # lives as long as the pointers to it
        self._infer = native.lib.quarl_infer
        self._infer.argtypes, self._infer.restype = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32,
                                                     ctypes.c_void_p], None
        self._argument = ctypes.addressof(self._program)

    def accumulators(self, codes: np.ndarray) -> np.ndarray:
        """The last layer's accumulators, int32 [N, out], from input codes int8 or, of pixels, uint8 [N, features]."""
        codes = np.ascontiguousarray(codes)
        found = np.empty((len(codes), self._outputs), np.int32)
        self._infer(self._argument, codes.ctypes.data, len(codes), found.ctypes.data)
        return found

    def actor(self) -> Callable[[Any], Optional[Tuple[Any, np.ndarray]]]:
        """A whole step of an observation: action and accumulators; None where ``policy.codec`` must say why not."""
        accumulators = np.empty(self._outputs, np.int32)
        native = self._native
        play = _Play(*(ctypes.addressof(part) for part in (native.encoder, self._program, native.decoder)),
                     accumulators.ctypes.data)
        play.memory = self                      # lives as long as the pointers to it
        act = native.act(native.lib.quarl_play, play)

        def run(given: Any) -> Optional[Tuple[Any, np.ndarray]]:
            action = act(given)
            return None if action is None else (action, accumulators.copy())

        return run


def _layers(policy: Policy) -> Tuple[ctypes.Array[_Layer], List[np.ndarray]]:
    """The layers for C, and the arrays that they point to."""
    shape: Shape = (policy.features, 1, 1)
    if policy.pixels:
        channels, height, width = policy.observation_shape
        shape = channels, height, width
    memory: List[np.ndarray] = []
    layers = (_Layer * len(policy.layers))()
    for index, layer in enumerate(policy.layers):
        layers[index], arrays, shape = _layer(layer, shape)
        memory += arrays
    return layers, memory


def _layer(layer: Layer, shape: Shape) -> Tuple[_Layer, List[np.ndarray], Shape]:
    """A layer over codes of ``shape``, the arrays that it points to, and the shape of its own codes.

    C holds codes as [height, width, channels], so that what a kernel sees is a few runs of memory; weights follow.
    """
    outputs, (kernel_height, kernel_width), stride = len(layer.weights), layer.weights.shape[2:] or (1, 1), layer.stride
    weights, after = layer.weights, (outputs, 1, 1)
    if stride is None:
        weights = weights.reshape(outputs, *shape)
        shape, stride = (weights[0].size, 1, 1), 1
    else:
        _, *size = layer.output_shape(shape)
        after = outputs, size[0], size[1]
    flat = weights.transpose(0, 2, 3, 1).reshape(outputs, -1)
    padded = np.zeros([-(-size // step) * step for size, step in zip(flat.shape, (_CHANNELS, _LANES))], np.int16)
    padded[:outputs, :flat.shape[1]] = flat
    arrays = [padded]
    if layer.thresholds is not None:
        arrays.append(np.ascontiguousarray(layer.thresholds))
    pointers = [array.ctypes.data for array in arrays] + [None] * (2 - len(arrays))
    made = _Layer(*pointers, outputs, padded.shape[1], layer.act_bits or 0, *shape, kernel_height, kernel_width, stride)
    return made, arrays, after
