"""A policy as a small integer program: what it is made of, and its hash. What it computes: ``policy.integer``."""
from __future__ import annotations

import dataclasses
import functools
import io
import math
import zipfile
from typing import Any, Dict, Optional, Tuple

import numpy as np

from quarl.host.content import Content
from quarl.host.files import canonical_json, sha256

SCHEMAS = (1, 2)                       # 2 has convolutions; a dense policy is still written as 1
BITS = range(2, 9)
HEADS = {"discrete": ("argmax",), "box": ("clip", "tanh")}


@dataclasses.dataclass(frozen=True)
class ActionSpace:
    """``discrete`` with ``n`` actions from ``start`` on, or a ``box`` with one ``low`` and ``high`` per dimension."""

    kind: str
    n: int = 0
    low: Tuple[float, ...] = ()
    high: Tuple[float, ...] = ()
    start: int = 0

    @property
    def size(self) -> int:
        """Number of outputs that the policy's last layer has."""
        return self.n if self.kind == "discrete" else len(self.low)


@dataclasses.dataclass(frozen=True, eq=False)
class Layer(Content):
    """One layer: ``acc = weights @ codes``, next code = number of its channel's thresholds that are <= acc.

    ``weights`` is int8 [out, in], or with a ``stride`` a convolution's [out, in, kernel height, kernel width], which
    moves by ``stride`` both ways over codes [in, height, width], without padding. ``thresholds`` is int32
    [out, 2**act_bits - 1], ascending along each row. The last layer is dense and has neither thresholds nor
    ``act_bits``: its accumulators are the output. A dense layer reads what it gets flattened in row-major order.
    """

    weights: np.ndarray
    weight_bits: int
    thresholds: Optional[np.ndarray] = None
    act_bits: Optional[int] = None
    stride: Optional[int] = None

    def output_shape(self, shape: Tuple[int, ...]) -> Tuple[int, ...]:
        """Shape of the output for an input of ``shape``: [out], or [out, height, width] of a convolution."""
        if self.stride is None:
            return (len(self.weights),)
        sizes = [(size - kernel) // self.stride + 1 for size, kernel in zip(shape[1:], self.weights.shape[2:])]
        return (len(self.weights), *sizes)


@dataclasses.dataclass(frozen=True, eq=False)
class Policy(Content):
    """A deployed policy: encode (float32, per feature), integer layers, decode (float32, per output), head.

    A policy that begins with a convolution reads pixels, [channels, height, width]: its input codes are the uint8
    observation itself, and ``encode_scale`` and ``encode_offset`` are empty. ``environment`` is what its ``task`` is
    made with, other than by its name alone, as ``environments.description`` records it. Two policies are equal if they
    mean the same, wherever they come from.
    """

    task: str
    algo: str
    input_bits: int
    observation_shape: Tuple[int, ...]
    action: ActionSpace
    head: str
    encode_scale: np.ndarray
    encode_offset: np.ndarray
    layers: Tuple[Layer, ...]
    decode_scale: np.ndarray
    decode_bias: np.ndarray
    environment: Dict[str, Any] = dataclasses.field(default_factory=dict)
    provenance: Dict[str, Any] = dataclasses.field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        sizes = [self.features, *(len(layer.weights) for layer in self.layers)]
        return "Policy(%s, %s, %s, %s…)" % (self.task, self.algo, "-".join(map(str, sizes)), self.hash[:12])

    @functools.cached_property
    def features(self) -> int:
        """Length of the flattened observation."""
        return math.prod(self.observation_shape)

    @functools.cached_property
    def pixels(self) -> bool:
        """Whether the input codes are unsigned pixels, not signed encoded features."""
        return len(self.layers) > 0 and self.layers[0].stride is not None

    @functools.cached_property
    def input_range(self) -> Tuple[int, int]:
        """Smallest and largest input code: signed, two's complement; unsigned for pixels."""
        if self.pixels:
            return 0, 2 ** self.input_bits - 1
        return -(2 ** (self.input_bits - 1)), 2 ** (self.input_bits - 1) - 1

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256 of all that the policy means: everything but its provenance."""
        return sha256(canonical_json(describe(self)) + pack(self))

    @property
    def build_id(self) -> int:
        """First 32 bits of :attr:`hash`: what the hardware reports, so that a host can tell which policy it holds."""
        return int(self.hash[:8], 16)

    def accumulator_bound(self, index: int) -> int:
        """Largest absolute value that any accumulator of layer ``index`` can take."""
        widest = max(map(abs, self.input_range)) if index == 0 else 2 ** (self.layers[index - 1].act_bits or 0) - 1
        weights = self.layers[index].weights
        return int(np.abs(weights.astype(np.int64)).reshape(len(weights), -1).sum(axis=1).max()) * widest


def describe(policy: Policy) -> Dict[str, Any]:
    """All that the policy means but its numbers, as ``manifest.json`` has it."""
    made = {"environment": policy.environment} if policy.environment else {}
    return {
        "format": "quarl-policy", "schema": SCHEMAS[policy.pixels], "task": policy.task, **made, "algo": policy.algo,
        "observation": {"shape": list(policy.observation_shape)},
        "action": _describe_action(policy.action),
        "head": policy.head, "input_bits": policy.input_bits,
        "layers": [_describe_layer(layer) for layer in policy.layers],
    }


def _describe_action(action: ActionSpace) -> Dict[str, Any]:
    found = {"kind": action.kind, "n": action.n, "low": list(action.low), "high": list(action.high)}
    return found if action.start == 0 else dict(found, start=action.start)    # packages without it keep their hash


def _describe_layer(layer: Layer) -> Dict[str, Any]:
    outputs, inputs, *kernel = layer.weights.shape
    found = {"in": inputs, "out": outputs, "weight_bits": layer.weight_bits, "act_bits": layer.act_bits}
    return found if layer.stride is None else dict(found, kernel=kernel, stride=layer.stride)


def _arrays(policy: Policy) -> Dict[str, np.ndarray]:
    arrays = {"encode_scale": policy.encode_scale, "encode_offset": policy.encode_offset,
              "decode_scale": policy.decode_scale, "decode_bias": policy.decode_bias}
    for index, layer in enumerate(policy.layers):
        arrays["weights%d" % index] = layer.weights
        if layer.thresholds is not None:
            arrays["thresholds%d" % index] = layer.thresholds
    return arrays


def pack(policy: Policy) -> bytes:
    """The arrays as an uncompressed zip with fixed dates, so that equal policies give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted(_arrays(policy).items()):
            data = io.BytesIO()
            np.lib.format.write_array(data, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0)), data.getvalue())
    return buffer.getvalue()
