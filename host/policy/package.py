"""The policy package: a folder that is written whole, hashed, and checked as it is read.

``manifest.json`` (schema, task, bit widths, spaces, file hashes, provenance), ``weights.npz`` (the numbers) and
``policy.onnx`` (the same network as QONNX, for FINN). The numbers define the policy.
"""
from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Dict

import numpy as np

from quarl.host.errors import UserError
from quarl.host.files import PathLike, recover, sha256, staged_folder, write_bytes, write_json
from quarl.host.policy.program import SCHEMAS, ActionSpace, Layer, Policy, describe, pack
from quarl.host.policy.rules import FIX, require, validate


def write(policy: Policy, folder: PathLike, onnx: bytes) -> None:
    """Write ``policy`` and its QONNX model as a package that appears whole or not at all.

    Raises :class:`UserError` for a policy that breaks a rule and ``ToolError`` where the disk refuses.
    """
    validate(policy)
    files = {"weights.npz": pack(policy), "policy.onnx": onnx}
    manifest = dict(describe(policy), files={name: sha256(data) for name, data in files.items()},
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
                        "%s at %s" % (error.strerror, folder / name), FIX) from error


def _read_manifest(folder: Path) -> Dict[str, Any]:
    data = _read_file(folder, "manifest.json")
    try:
        manifest: Any = json.loads(data.decode("utf-8"))
    except ValueError as error:
        raise UserError("manifest.json must be JSON", "%s in %s" % (error, folder), FIX) from error
    require(isinstance(manifest, dict) and manifest.get("format") == "quarl-policy",
            "manifest.json must have the format quarl-policy",
            manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__)
    if manifest.get("schema") not in SCHEMAS:
        raise UserError("the package schema must be %d or %d" % SCHEMAS, manifest.get("schema"),
                        "export the run again with this version of quarl, or use the version that wrote it")
    return manifest


def _read_arrays(folder: Path, manifest: Dict[str, Any]) -> Dict[str, np.ndarray]:
    files = manifest.get("files", {})
    require(isinstance(files, dict) and set(files) == {"weights.npz", "policy.onnx"},
            "manifest.json must list the hashes of weights.npz and policy.onnx", files)
    for name, expected in sorted(files.items()):
        found = sha256(_read_file(folder, name))
        require(found == expected, "%s must have the SHA-256 that manifest.json names (%s…)"
                % (name, str(expected)[:12]), found[:12] + "… (truncated or altered)")
    data = _read_file(folder, "weights.npz")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError("weights.npz must be an archive of numeric arrays", error, FIX) from error


def read_policy(folder: PathLike) -> Policy:
    """The policy of a run folder or a board's, which hold a package in ``policy``, or of the package ``folder`` itself.

    Its arrays say what it computes, see :class:`Policy`. Raises :class:`UserError` where there is no package, and
    naming the rule that a broken one breaks.
    """
    folder = Path(folder)
    inside = folder / "policy"
    return read(inside if inside.is_dir() else folder)


def read(folder: PathLike) -> Policy:
    """Read and check a package. Raises :class:`UserError` naming the rule that it breaks."""
    folder = Path(folder)
    recover(folder)
    manifest = _read_manifest(folder)
    arrays = _read_arrays(folder, manifest)
    try:
        layers = tuple(Layer(arrays["weights%d" % i], la["weight_bits"], arrays.get("thresholds%d" % i),
                             la["act_bits"], la.get("stride")) for i, la in enumerate(manifest["layers"]))
        action = manifest["action"]
        policy = Policy(
            task=manifest["task"], algo=manifest["algo"], input_bits=manifest["input_bits"],
            observation_shape=tuple(manifest["observation"]["shape"]),
            action=ActionSpace(action["kind"], action["n"], tuple(action["low"]), tuple(action["high"]),
                               action.get("start", 0)),
            head=manifest["head"], encode_scale=arrays["encode_scale"], encode_offset=arrays["encode_offset"],
            layers=layers, decode_scale=arrays["decode_scale"], decode_bias=arrays["decode_bias"],
            environment=dict(manifest.get("environment", {})), provenance=manifest.get("provenance", {}))
        validate(policy)
    except (KeyError, TypeError, IndexError, ValueError, OverflowError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError("manifest.json and weights.npz must hold every field of a package",
                        "%s: %s" % (type(error).__name__, error), FIX) from error
    require([[la["out"], la["in"], *la.get("kernel", [])] for la in manifest["layers"]]
            == [list(la.weights.shape) for la in layers],
            "manifest.json must name the sizes of the layers in weights.npz", manifest["layers"])
    require(manifest["schema"] == SCHEMAS[policy.pixels], "the schema of this package must be %d"
            % SCHEMAS[policy.pixels], manifest["schema"])
    require(policy.hash == manifest.get("hash"), "the package's content must have the hash that manifest.json names",
            policy.hash[:12] + "…")
    return policy
