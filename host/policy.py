"""The policy package: a policy as a small integer program, in a folder that is whole, hashed and checked.

``manifest.json`` (schema, task, bit widths, spaces, file hashes, provenance), ``weights.npz`` (the numbers) and
``policy.onnx`` (the same network as QONNX, for FINN). The numbers define the policy; see :mod:`host.integer`.
"""
from __future__ import annotations

import dataclasses
import functools
import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import numpy as np

from host.errors import UserError
from host.files import PathLike, canonical_json, sha256, staged_folder, write_bytes, write_json

SCHEMAS = (1, 2)                       # 2 has convolutions; a dense policy is still written as 1
BITS = range(2, 9)
HEADS = {"discrete": ("argmax",), "box": ("clip", "tanh")}
_FIX = "export the run again with `quarl export RUN`"


@dataclasses.dataclass(frozen=True)
class ActionSpace:
    """``discrete`` with ``n`` actions, or a ``box`` with one ``low`` and ``high`` per dimension."""

    kind: str
    n: int = 0
    low: Tuple[float, ...] = ()
    high: Tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """Number of outputs that the policy's last layer has."""
        return self.n if self.kind == "discrete" else len(self.low)


@dataclasses.dataclass(frozen=True)
class Layer:
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


@dataclasses.dataclass(frozen=True)
class Policy:
    """A deployed policy: encode (float32, per feature), integer layers, decode (float32, per output), head.

    A policy that begins with a convolution reads pixels, [channels, height, width]: its input codes are the uint8
    observation itself, and ``encode_scale`` and ``encode_offset`` are empty.
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
    provenance: Dict[str, Any] = dataclasses.field(default_factory=dict)

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

    @property
    def hash(self) -> str:
        """SHA-256 of all that the policy means: everything but its provenance."""
        return sha256(canonical_json(_describe(self)) + _pack(self))

    @property
    def build_id(self) -> int:
        """First 32 bits of :attr:`hash`: what the hardware reports, so that a host can tell which policy it holds."""
        return int(self.hash[:8], 16)

    def accumulator_bound(self, index: int) -> int:
        """Largest absolute value that any accumulator of layer ``index`` can take."""
        widest = max(map(abs, self.input_range)) if index == 0 else 2 ** (self.layers[index - 1].act_bits or 0) - 1
        weights = self.layers[index].weights
        return int(np.abs(weights.astype(np.int64)).reshape(len(weights), -1).sum(axis=1).max()) * widest


def _describe(policy: Policy) -> Dict[str, Any]:
    return {
        "format": "quarl-policy", "schema": SCHEMAS[policy.pixels], "task": policy.task, "algo": policy.algo,
        "observation": {"shape": list(policy.observation_shape)},
        "action": {"kind": policy.action.kind, "n": policy.action.n,
                   "low": list(policy.action.low), "high": list(policy.action.high)},
        "head": policy.head, "input_bits": policy.input_bits,
        "layers": [_describe_layer(layer) for layer in policy.layers],
    }


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


def _pack(policy: Policy) -> bytes:
    """The arrays as an uncompressed zip with fixed dates, so that equal policies give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted(_arrays(policy).items()):
            data = io.BytesIO()
            np.lib.format.write_array(data, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0)), data.getvalue())
    return buffer.getvalue()


def _require(ok: bool, rule: str, found: Any) -> None:
    if not ok:
        raise UserError(rule, found, _FIX)


def _check_vector(name: str, array: np.ndarray, size: int) -> None:
    _require(array.dtype == np.float32 and array.shape == (size,),
             "%s must be float32 [%d]" % (name, size), "%s %s" % (array.dtype, list(array.shape)))
    bad = np.flatnonzero(~np.isfinite(array))
    _require(not len(bad), "%s must be finite" % name, "%s at index %s" % (array[bad[:1]], bad[:1]))


def _check_kernel(layer: Layer, name: str, shape: Tuple[int, ...]) -> None:
    """The rules of a convolution over codes of ``shape``."""
    weights = layer.weights
    _require(len(shape) == 3, "%s: a convolution must come before every dense layer" % name,
             "an input of %s" % list(shape))
    _require(weights.dtype == np.int8 and weights.ndim == 4 and weights.shape[1] == shape[0] and weights.size > 0,
             "%s: weights must be int8 [out, %d, kernel height, kernel width]" % (name, shape[0]),
             "%s %s" % (weights.dtype, list(weights.shape)))
    _require(isinstance(layer.stride, int) and layer.stride > 0, "%s: the stride must be a positive integer" % name,
             layer.stride)
    _require(weights.shape[2] <= shape[1] and weights.shape[3] <= shape[2],
             "%s: the kernel must fit into the input of %d x %d" % (name, shape[1], shape[2]),
             "%d x %d" % weights.shape[2:])


def _check_layer(policy: Policy, index: int, shape: Tuple[int, ...]) -> None:
    layer, name, last = policy.layers[index], "layer %d" % index, index == len(policy.layers) - 1
    weights, inputs = layer.weights, int(np.prod(shape))
    _require(layer.weight_bits in BITS, "%s: weight bits must be 2 to 8" % name, layer.weight_bits)
    if layer.stride is not None:
        _check_kernel(layer, name, shape)
        _require(not last, "%s: the last layer must be dense" % name, "a convolution")
    else:
        _require(weights.dtype == np.int8 and weights.ndim == 2 and weights.shape[1] == inputs and len(weights) > 0,
                 "%s: weights must be int8 [out, %d]" % (name, inputs),
                 "%s %s" % (weights.dtype, list(weights.shape)))
    limit = 2 ** (layer.weight_bits - 1)
    _require(bool(weights.min() >= -limit and weights.max() < limit),
             "%s: %d-bit weights must lie in [%d, %d]" % (name, layer.weight_bits, -limit, limit - 1),
             "[%d, %d]" % (weights.min(), weights.max()))
    if last:
        _require(layer.thresholds is None and layer.act_bits is None,
                 "%s: the last layer must have no thresholds" % name, "%s activation bits" % layer.act_bits)
        return
    _require(layer.act_bits in BITS, "%s: activation bits must be 2 to 8" % name, layer.act_bits)
    thresholds = layer.thresholds if layer.thresholds is not None else np.empty((0, 0), np.int32)
    shape = (len(weights), 2 ** (layer.act_bits or 0) - 1)
    _require(thresholds.dtype == np.int32 and thresholds.shape == shape,
             "%s: thresholds must be int32 %s" % (name, list(shape)),
             "%s %s" % (thresholds.dtype, list(thresholds.shape)))
    _require(bool(np.all(thresholds[:, 1:] >= thresholds[:, :-1])),
             "%s: thresholds must ascend along each channel" % name, "a descending pair")


def validate(policy: Policy) -> None:
    """Raise :class:`UserError` at the first rule that ``policy`` breaks."""
    _require(policy.action.kind in HEADS, "the action space must be discrete or box", policy.action.kind)
    _require(len(policy.action.low) == len(policy.action.high) and policy.action.size > 0,
             "the action space must have at least one dimension with a low and a high", policy.action)
    bounds = np.array([policy.action.low, policy.action.high], np.float64)
    _require(bool(np.isfinite(bounds).all() and (bounds[0] <= bounds[1]).all()),
             "a box must have finite bounds, low <= high",
             "low %s, high %s" % (list(policy.action.low), list(policy.action.high)))
    _require(policy.head in HEADS[policy.action.kind],
             "the head of a %s action space must be one of %s" % (policy.action.kind,
                                                                  ", ".join(HEADS[policy.action.kind])), policy.head)
    _require(policy.input_bits in BITS, "input bits must be 2 to 8", policy.input_bits)
    _require(len(policy.observation_shape) > 0 and all(d > 0 for d in policy.observation_shape),
             "the observation shape must have positive dimensions", list(policy.observation_shape))
    _require(len(policy.layers) > 0, "a policy must have at least one layer", 0)
    _require(not policy.pixels or (len(policy.observation_shape) == 3 and policy.input_bits == 8),
             "a policy that begins with a convolution must read 8-bit pixels [channels, height, width]",
             "%s bits, shape %s" % (policy.input_bits, list(policy.observation_shape)))
    encoded = 0 if policy.pixels else policy.features
    _check_vector("encode_scale", policy.encode_scale, encoded)
    _check_vector("encode_offset", policy.encode_offset, encoded)
    _check_vector("decode_scale", policy.decode_scale, policy.action.size)
    _check_vector("decode_bias", policy.decode_bias, policy.action.size)
    shape = policy.observation_shape if policy.pixels else (policy.features,)
    for index, layer in enumerate(policy.layers):
        _check_layer(policy, index, shape)
        _require(policy.accumulator_bound(index) < 2 ** 31, "layer %d: accumulators must fit 32 bits" % index,
                 "up to %d" % policy.accumulator_bound(index))
        shape = layer.output_shape(shape)
    _require(shape == (policy.action.size,), "the last layer must have one output per action dimension",
             "%d outputs for %d" % (shape[0], policy.action.size))


def write(policy: Policy, folder: PathLike, onnx: bytes) -> None:
    """Write ``policy`` and its QONNX model as a package that appears whole or not at all.

    Raises :class:`UserError` for a policy that breaks a rule and ``ToolError`` where the disk refuses.
    """
    validate(policy)
    files = {"weights.npz": _pack(policy), "policy.onnx": onnx}
    manifest = dict(_describe(policy), files={name: sha256(data) for name, data in files.items()},
                    hash=policy.hash, provenance=policy.provenance)
    with staged_folder(folder) as stage:
        for name, data in files.items():
            write_bytes(stage / name, data)
        write_json(stage / "manifest.json", manifest)


def _read_file(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise UserError("a policy package is a folder with manifest.json, weights.npz and policy.onnx",
                        "%s at %s" % (error.strerror, folder / name), _FIX) from error


def _read_manifest(folder: Path) -> Dict[str, Any]:
    data = _read_file(folder, "manifest.json")
    try:
        manifest: Any = json.loads(data.decode("utf-8"))
    except ValueError as error:
        raise UserError("manifest.json must be JSON", "%s in %s" % (error, folder), _FIX) from error
    _require(isinstance(manifest, dict) and manifest.get("format") == "quarl-policy",
             "manifest.json must have the format quarl-policy",
             manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__)
    if manifest.get("schema") not in SCHEMAS:
        raise UserError("the package schema must be %d or %d" % SCHEMAS, manifest.get("schema"),
                        "export the run again with this version of quarl, or use the version that wrote it")
    return manifest


def _read_arrays(folder: Path, manifest: Dict[str, Any]) -> Dict[str, np.ndarray]:
    files = manifest.get("files", {})
    _require(isinstance(files, dict) and set(files) == {"weights.npz", "policy.onnx"},
             "manifest.json must list the hashes of weights.npz and policy.onnx", files)
    for name, expected in sorted(files.items()):
        found = sha256(_read_file(folder, name))
        _require(found == expected, "%s must have the SHA-256 that manifest.json names (%s…)"
                 % (name, str(expected)[:12]), found[:12] + "… (truncated or altered)")
    data = _read_file(folder, "weights.npz")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError("weights.npz must be an archive of numeric arrays", error, _FIX) from error


def read(folder: PathLike) -> Policy:
    """Read and check a package. Raises :class:`UserError` naming the rule that it breaks."""
    folder = Path(folder)
    manifest = _read_manifest(folder)
    arrays = _read_arrays(folder, manifest)
    try:
        layers = tuple(Layer(arrays["weights%d" % i], la["weight_bits"], arrays.get("thresholds%d" % i),
                             la["act_bits"], la.get("stride")) for i, la in enumerate(manifest["layers"]))
        action = manifest["action"]
        policy = Policy(
            task=manifest["task"], algo=manifest["algo"], input_bits=manifest["input_bits"],
            observation_shape=tuple(manifest["observation"]["shape"]),
            action=ActionSpace(action["kind"], action["n"], tuple(action["low"]), tuple(action["high"])),
            head=manifest["head"], encode_scale=arrays["encode_scale"], encode_offset=arrays["encode_offset"],
            layers=layers, decode_scale=arrays["decode_scale"], decode_bias=arrays["decode_bias"],
            provenance=manifest.get("provenance", {}))
        validate(policy)
    except (KeyError, TypeError, IndexError, ValueError, OverflowError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError("manifest.json and weights.npz must hold every field of a package",
                        "%s: %s" % (type(error).__name__, error), _FIX) from error
    _require([[la["out"], la["in"], *la.get("kernel", [])] for la in manifest["layers"]]
             == [list(la.weights.shape) for la in layers],
             "manifest.json must name the sizes of the layers in weights.npz", manifest["layers"])
    _require(manifest["schema"] == SCHEMAS[policy.pixels], "the schema of this package must be %d"
             % SCHEMAS[policy.pixels], manifest["schema"])
    _require(policy.hash == manifest.get("hash"), "the package's content must have the hash that manifest.json names",
             policy.hash[:12] + "…")
    return policy
